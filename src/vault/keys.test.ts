import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HUB } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { createKeyRing, keyedHash, masterKeyFromEnvironment, masterKeyFromFile } from "./index.ts";

const base64 = () => randomBytes(32).toString("base64");

describe("the master key", () => {
  test("of the environment is a lone key, or versions with the newest first", () => {
    expect(masterKeyFromEnvironment(base64()).current().version).toBe(1);
    const two = masterKeyFromEnvironment(`1:${base64()},3:${base64()}`);
    expect(two.current().version).toBe(3);
    expect(two.get(1).version).toBe(1);
    expect(() => two.get(2)).toThrow("version 2");
  });

  test.each([
    "",
    "short",
    "1:",
    `${base64()},${base64()}`,
    `1:${base64()},1:${base64()}`,
    "x".repeat(44),
    `1:${base64().slice(0, -1)}`,
  ])("that is malformed is refused with how to make one, without showing it (%#)", (value) => {
    try {
      masterKeyFromEnvironment(value);
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toContain("openssl rand -base64 32");
      if (value.length > 8) expect(String(error)).not.toContain(value.slice(0, 8));
    }
  });

  test("of a file is made on first use, for its owner's eyes only", () => {
    const path = join(mkdtempSync(join(tmpdir(), "lethe-key-")), "data", "master.key");
    const made = masterKeyFromFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = masterKeyFromFile(path);
    expect(again.current().key.equals(made.current().key)).toBe(true);
  });

  test("of a file is read again when a running hub meets a version that it does not know", () => {
    const path = join(mkdtempSync(join(tmpdir(), "lethe-key-")), "master.key");
    const hub = masterKeyFromFile(path);
    const operator = masterKeyFromFile(path);
    const added = operator.add?.();
    expect(hub.get(2).key.equals(added?.key ?? hub.get(1).key)).toBe(true);
    operator.forgetBefore?.(2);
    expect(readFileSync(path, "utf8")).toMatch(/^2:[^\n]+\n$/);
    expect(readdirSync(dirname(path))).toEqual(["master.key"]);
  });
});

describe("the key ring", () => {
  let rooms: TestRooms;
  beforeAll(async () => {
    rooms = await freshRooms();
  });
  afterAll(() => rooms.drop());

  test("gives each controller keys of its own", async () => {
    const [a, b] = [
      await rooms.ring.keys(await rooms.controller()),
      await rooms.ring.keys(await rooms.controller()),
    ];
    for (const purpose of ["seal", "subject", "hash", "mac"] as const)
      expect(a.current(purpose).key.equals(b.current(purpose).key), purpose).toBe(false);
  });

  test("keeps them wrapped in the database", async () => {
    const controllerId = await rooms.controller();
    const secret = (await rooms.ring.keys(controllerId)).current("hash").key.export().toString("hex");
    const rows = await rooms.superuser(
      (sql) => sql<{ wrapped: Uint8Array }[]>`select wrapped from controller_key`,
    );
    expect(rows.some(({ wrapped }) => Buffer.from(wrapped).toString("hex").includes(secret))).toBe(false);
  });

  test("does not open under another master key, and says so", async () => {
    const stranger = createKeyRing(rooms.database, masterKeyFromEnvironment(base64()));
    await expect(stranger.keys(HUB)).rejects.toMatchObject({ code: "vault/wrong-master-key" });
  });

  test("does not open a key that was moved to another controller", async () => {
    const [mine, theirs] = [await rooms.controller(), await rooms.controller()];
    await rooms.superuser(
      (sql) => sql`update controller_key k set wrapped = o.wrapped from controller_key o
        where k.controller_id = ${mine} and o.controller_id = ${theirs} and k.purpose = 'hash' and o.purpose = 'hash'`,
    );
    await expect(rooms.ring.keys(mine)).rejects.toMatchObject({ code: "vault/wrong-master-key" });
  });

  test("tells a destroyed key from one that never was", async () => {
    const controllerId = await rooms.controller();
    await rooms.superuser(
      (sql) =>
        sql`update controller_key set wrapped = null, destroyed_at = now() where controller_id = ${controllerId} and purpose = 'subject'`,
    );
    const keys = await rooms.ring.keys(controllerId);
    expect(() => keys.current("subject")).toThrow("destroyed");
    expect(() => keys.version("hash", 9)).toThrow("no hash key");
  });
});

test("a keyed hash tells parts apart by their boundaries", () => {
  const { key } = masterKeyFromEnvironment(base64()).current();
  expect(keyedHash(key, "ab", "c")).not.toEqual(keyedHash(key, "a", "bc"));
  expect(keyedHash(key, "abc")).not.toEqual(keyedHash(key, "ab", "c"));
});
