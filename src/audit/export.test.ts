import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { v4 as uuid } from "uuid";
import { beforeEach, describe, expect, test } from "vitest";
import { AuditEntry, AuditExportLine, HUB } from "#schemas";
import { at, owner, seal, useAuditLog, write } from "../../test/support/audit-log.ts";
import { exportLog, proveConsistency, proveEvent } from "./index.ts";

useAuditLog();

describe("an export", () => {
  const verifier = new URL("./offline-verifier.mjs", import.meta.url).pathname;
  const check = async (file: string, ...options: string[]) =>
    promisify(execFile)(process.execPath, [verifier, file, ...options], { cwd: tmpdir(), env: {} }).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      (error: { code: number; stderr: string }) => ({ code: error.code, text: error.stderr }),
    );
  let file: string;
  let lines: string[];
  beforeEach(async () => {
    await write(5, uuid());
    await write(3);
    await seal();
    file = join(mkdtempSync(join(tmpdir(), "lethe-export-")), "log.jsonl");
    expect(
      await exportLog({
        database: at.rooms.database,
        ring: at.rooms.ring,
        owner: await owner(),
        hub: await owner(HUB),
        file,
      }),
    ).toBe(9);
    lines = readFileSync(file, "utf8").trimEnd().split("\n");
  });
  const changed = (change: (lines: string[]) => string[]) => {
    const path = `${file}.changed`;
    writeFileSync(path, `${change([...lines]).join("\n")}\n`);
    return check(path);
  };

  test("has the documented lines, and is checked with nothing but itself and a key", async () => {
    const parsed = lines.map((line) => AuditExportLine.parse(JSON.parse(line)));
    const [header] = parsed;
    const key = header?.kind === "header" ? header.keys[0] : "";
    expect(await check(file, "--json")).toMatchObject({
      code: 0,
      text: expect.stringContaining('"events":9'),
    });
    expect(JSON.parse((await check(file, "--key", key ?? "", "--json")).text)).toMatchObject({
      ok: true,
      signed: 9,
      witnessed: true,
      keyFrom: "--key",
    });
  });

  test("says in its exit code what is wrong with it", async () => {
    expect((await changed((all) => all.map((line) => line.replace("thing:3", "thing:4")))).code).toBe(1);
    expect((await changed((all) => all.filter((_, i) => i !== 3))).code).toBe(1);
    expect(
      (await changed((all) => [...all.slice(0, 3), all[4] ?? "", all[3] ?? "", ...all.slice(5)])).code,
    ).toBe(1);
    expect((await changed((all) => all.slice(0, -1))).code).toBe(4);
    expect(
      (
        await changed((all) =>
          all.map((line) => (line.includes('"checkpoint"') ? line.replace(/\\n\d+\\n/, "\\n3\\n") : line)),
        )
      ).code,
    ).toBe(3);
    // Cut off at the end, and the end line made to fit: only the checkpoints remember more.
    expect(
      (
        await changed((all) =>
          all
            .filter((line) => !line.includes('"seq":8'))
            .map((line) => line.replace('"entries":9', '"entries":8')),
        )
      ).code,
    ).toBe(5);
    expect((await check("/nonexistent")).code).toBe(4);
    expect((await check(file, "--bogus")).code).toBe(2);
    expect((await check(file, "--key", "nonsense")).code).toBe(2);
  });

  test("that was forged whole, with keys of the forger's own, fails against the controller's key", async () => {
    const stranger = await at.rooms.controller();
    const other = join(mkdtempSync(join(tmpdir(), "lethe-export-")), "log.jsonl");
    await exportLog({
      database: at.rooms.database,
      ring: at.rooms.ring,
      owner: await owner(stranger),
      hub: await owner(HUB),
      file: other,
    });
    const header = AuditExportLine.parse(JSON.parse(readFileSync(other, "utf8").split("\n")[0] ?? ""));
    const key = header.kind === "header" ? (header.keys[0] ?? "") : "";
    expect((await check(file, "--key", key)).code).toBe(3);
  });

  test("still contains a checkpoint that was kept from earlier", async () => {
    const kept = `${file}.note`;
    const note = lines
      .map((line) => AuditExportLine.parse(JSON.parse(line)))
      .find((line) => line.kind === "checkpoint");
    writeFileSync(kept, note?.kind === "checkpoint" ? note.note : "");
    expect((await check(file, "--checkpoint", kept)).code).toBe(0);
  });
});

test("one event is proven to be in the log, and an older checkpoint to be a prefix of it", async () => {
  await write(5);
  await seal();
  const [row] = await at.rooms.database.inController(
    at.controllerId,
    ({ sql }) => sql<{ entry: Uint8Array }[]>`select entry from audit_event order by id offset 2 limit 1`,
  );
  const { event } = AuditEntry.parse(JSON.parse(Buffer.from(row?.entry ?? []).toString()));
  const proof = await at.rooms.database.inController(at.controllerId, (tx) => proveEvent(tx, event), {
    snapshot: true,
  });
  expect(proof?.proof).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 2\n([A-Za-z0-9+/]{43}=\n){3}\ndid:lethe:/);
  expect(proof?.entry).toContain(event);
  const consistency = await at.rooms.database.inController(at.controllerId, (tx) => proveConsistency(tx, 2));
  expect(consistency?.hashes.length).toBeGreaterThan(0);
  expect(
    await at.rooms.database.inController(at.controllerId, (tx) => proveEvent(tx, uuid())),
  ).toBeUndefined();
});
