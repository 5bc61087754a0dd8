import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockDataDir } from "../src/hub/lock.ts";

const TAKER = fileURLToPath(new URL("./support/hub-lock.ts", import.meta.url));
/** No process has this id: Linux gives none above 2^22. */
const GONE = JSON.stringify({ pid: 2 ** 23, started: "1", url: "http://127.0.0.1:1" });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lethe-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the lock on a data directory", () => {
  test("that a killed hub left goes to exactly one of those that start at the same moment", async () => {
    const rounds = 300;
    for (let i = 0; i < rounds; i++) {
      mkdirSync(join(folder, String(i)));
      writeFileSync(join(folder, String(i), "hub.lock"), GONE);
    }
    const begin = Date.now() + 2_000;
    const takers = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [TAKER, folder, String(rounds), String(begin), "10"], {
        stdio: ["pipe", "pipe", "inherit"],
      }),
    );
    const won = await Promise.all(
      takers.map(async ({ stdout }) => JSON.parse(String((await once(stdout, "data"))[0])) as number[]),
    );
    for (const { stdin } of takers) stdin.end();
    expect(won.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: rounds }, (_, i) => i));
    expect(readdirSync(join(folder, "0"))).toEqual(["hub.lock"]);
  });

  test("that is no lock's text, half-written by a process that died, does not count", () => {
    writeFileSync(join(folder, "hub.lock"), '{"pid":');
    lockDataDir(folder).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is not released by a hub that does not hold it any more", () => {
    const lock = lockDataDir(folder);
    writeFileSync(join(folder, "hub.lock"), GONE);
    lock.release();
    expect(readFileSync(join(folder, "hub.lock"), "utf8")).toBe(GONE);
  });
});
