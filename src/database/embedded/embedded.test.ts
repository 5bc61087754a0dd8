import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, describe, expect, test } from "vitest";
import { isAlive } from "#test";
import { openDatabase } from "../index.ts";
import { attachEmbedded } from "./index.ts";
import { socketPath } from "./socket.ts";

const folders: string[] = [];

/** Closed to everybody but its owner, as `mktemp -d` makes it: root's PostgreSQL must work in it all the same. */
function closedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lethe-embedded-"));
  chmodSync(folder, 0o700);
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const postmaster = (folder: string) =>
  Number(readFileSync(join(folder, "postgres/postmaster.pid"), "utf8").split("\n")[0]);

async function ask(options: postgres.Options<Record<string, never>>, query = "select 1 as one") {
  const sql = postgres({ ...options, max: 1, backoff: () => 0.05 });
  try {
    return await sql.unsafe(query);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

describe("the embedded PostgreSQL", () => {
  test("starts in a folder that nobody else may enter, and stops when its last user lets go", async () => {
    const folder = closedFolder();
    const first = await attachEmbedded(folder);
    const second = await attachEmbedded(folder);
    const pid = postmaster(folder);
    await first.release();
    expect(isAlive(pid)).toBe(true);
    expect(await ask(second.connect("postgres", "postgres"))).toEqual([{ one: 1 }]);
    await second.release();
    // It lets go of its files a moment before it is gone.
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
    expect(existsSync(join(folder, "postgres/postmaster.pid"))).toBe(false);
  });

  test("never runs as root", async () => {
    const folder = closedFolder();
    const server = await attachEmbedded(folder);
    const status = readFileSync(`/proc/${postmaster(folder)}/status`, "utf8");
    expect(Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])).not.toBe(0);
    await server.release();
  });

  test("is brought back when it is killed under its users", async () => {
    const folder = closedFolder();
    const server = await attachEmbedded(folder);
    const killed = postmaster(folder);
    process.kill(killed, "SIGKILL");
    await expect
      .poll(() => ask(server.connect("postgres", "postgres")).catch(() => "not yet"), { timeout: 15_000 })
      .toEqual([{ one: 1 }]);
    expect(postmaster(folder)).not.toBe(killed);
    await server.release();
  });

  test("is not held up by a lock that names a process which is something else by now", async () => {
    const folder = closedFolder();
    const server = await attachEmbedded(folder);
    await server.release();
    writeFileSync(
      join(folder, "postgres/postmaster.pid"),
      `${process.pid}\n/nowhere\n0\n5432\n.\n\n  0 0\nready\n`,
    );
    const again = await attachEmbedded(folder);
    expect(await ask(again.connect("postgres", "postgres"))).toEqual([{ one: 1 }]);
    await again.release();
  });

  test("gives the hub a login that can become its roles and nothing more", async () => {
    const folder = closedFolder();
    const opened = await openDatabase({ dataDir: folder });
    const { url: _, ...hub } = opened.server;
    await expect(ask(hub, "set role lethe_owner")).rejects.toThrow(/permission denied/);
    await expect(ask(hub, "select * from lethe.subject")).rejects.toThrow(/permission denied/);
    await expect(ask(hub, "create table lethe.mine (i int)")).rejects.toThrow(/permission denied/);
    expect(await ask(hub, "select session_user, usesuper from pg_user where usename = session_user")).toEqual(
      [{ session_user: "lethe_hub", usesuper: false }],
    );
    await opened.close();
  });

  test("is refused when a role of the hub could bypass the policies", async () => {
    const folder = closedFolder();
    await (await openDatabase({ dataDir: folder })).close();
    const server = await attachEmbedded(folder);
    await ask(server.connect("postgres", "postgres"), "alter role lethe_app bypassrls");
    await expect(openDatabase({ dataDir: folder })).rejects.toMatchObject({ code: "database/unsafe-role" });
    await server.release();
  });
});

test("a socket whose path is too long to connect to is reached through a short link", () => {
  const long = `/tmp/${"x".repeat(120)}/.s.PGSQL.5432`;
  const socket = socketPath(long);
  expect(socket.path.length).toBeLessThan(100);
  socket.remove();
  expect(existsSync(socket.path)).toBe(false);
  expect(socketPath("/tmp/short/.s.PGSQL.5432").path).toBe("/tmp/short/.s.PGSQL.5432");
});
