import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createController, listControllers } from "#controllers";
import { tables } from "#database";
import { didOf } from "#identity";
import { ControllerId, type Sealed } from "#schemas";
import { freshDatabase, type TestDatabase } from "#test";
import {
  createKeyRing,
  type KeyRing,
  type MasterKeyProvider,
  masterKeyFromFile,
  open,
  rotateMasterKey,
  seal,
} from "./index.ts";

let opened: TestDatabase;
let path: string;
beforeEach(async () => {
  opened = await freshDatabase();
  path = join(mkdtempSync(join(tmpdir(), "lethe-key-")), "master.key");
});
afterEach(() => opened.drop());

/** What a process has of its own when it starts: the key file as it is then, and a key ring. */
function start(): { master: MasterKeyProvider; ring: KeyRing } {
  const master = masterKeyFromFile(path);
  return { master, ring: createKeyRing(opened.database, master) };
}

const add = async ({ ring }: { ring: KeyRing }) =>
  (await createController(opened.database, ring, { name: "c", environment: "sandbox" })).id;

const everyController = async () => (await listControllers(opened.database)).map(({ id }) => id);

function rotate(
  process: { master: MasterKeyProvider; ring: KeyRing },
  meanwhile: { controllers?: () => Promise<readonly ControllerId[]>; record?: () => Promise<void> } = {},
) {
  const { controllers = everyController, record = async () => {} } = meanwhile;
  return rotateMasterKey({ database: opened.database, ...process, controllers, record });
}

const versionsInFile = () => [...readFileSync(path, "utf8").matchAll(/^\d+/gm)].map(([version]) => +version);

const versionsInUse = () =>
  opened.superuser(async (sql) => {
    const rows = await sql<
      { v: number }[]
    >`select distinct master_version as v from controller_key order by 1`;
    return rows.map(({ v }) => v);
  });

describe("rotation of the master key", () => {
  test("wraps every key anew, destroys the old version and leaves payloads as they are", async () => {
    const hub = start();
    const id = await add(hub);
    const context = { purpose: "test", controllerId: id, recordId: "r" };
    const sealed: Sealed<string> = seal(
      (await hub.ring.keys(id)).current("seal"),
      context,
      Buffer.from("payload"),
    );

    expect(await rotate(start())).toEqual({ version: 2, rewrapped: 5, destroyed: true });

    expect([versionsInFile(), await versionsInUse()]).toEqual([[2], [2]]);
    const keys = await start().ring.keys(id);
    expect(Buffer.from(open((version) => keys.version("seal", version), context, sealed)).toString()).toBe(
      "payload",
    );
  });

  test("is refused while another one runs, which it leaves alone", async () => {
    const id = await add(start());
    let second: unknown;
    const first = await rotate(start(), {
      controllers: async () => {
        second ??= await rotate(start()).catch((error: unknown) => error);
        return [id];
      },
    });
    expect(second).toMatchObject({ code: "vault/rotation-running" });
    expect(first).toEqual({ version: 2, rewrapped: 5, destroyed: true });
    expect([versionsInFile(), await versionsInUse()]).toEqual([[2], [2]]);
    await expect(start().ring.keys(id)).resolves.toBeDefined();
  });

  test("may begin once one that died is gone, and clears up after it", async () => {
    const id = await add(start());
    const died = rotate(start(), { controllers: () => Promise.reject(new Error("killed")) });
    await expect(died).rejects.toThrow("killed");
    expect([versionsInFile(), await versionsInUse()]).toEqual([[2, 1], [1]]);
    expect(await rotate(start())).toMatchObject({ version: 3, destroyed: true });
    expect([versionsInFile(), await versionsInUse()]).toEqual([[3], [3]]);
    await expect(start().ring.keys(id)).resolves.toBeDefined();
  });

  test("never destroys what a newer one wraps under, even if both were let in", async () => {
    const [older, newer] = [start(), start()];
    const id = await add(older);
    const second = older.master.add?.() ?? older.master.current();
    const third = newer.master.add?.() ?? newer.master.current();

    await older.ring.rewrap(id, second);
    older.master.forgetBefore?.(second.version);
    await expect(start().ring.keys(id)).resolves.toBeDefined();

    await newer.ring.rewrap(id, third);
    expect(await older.ring.rewrap(id, second)).toBe(0);
    newer.master.forgetBefore?.(third.version);
    expect([versionsInFile(), await versionsInUse()]).toEqual([[3], [3]]);
    await expect(start().ring.keys(id)).resolves.toBeDefined();
  });

  test("never takes a key back to an older version, even if both read it before either wrote", async () => {
    const [older, newer] = [start(), start()];
    const id = await add(older);
    const second = older.master.add?.() ?? older.master.current();
    const third = newer.master.add?.() ?? newer.master.current();
    const both: Promise<number>[] = [];
    await opened.superuser((sql) =>
      sql.begin(async (held) => {
        await held`select from controller_key where controller_id = ${id} for update`;
        for (const rewrap of [() => newer.ring.rewrap(id, third), () => older.ring.rewrap(id, second)]) {
          both.push(rewrap());
          await sleep(300); // it has read the keys, and waits in line to write them
        }
      }),
    );
    await Promise.all(both);
    expect(await versionsInUse()).toEqual([3]);
    await expect(newer.ring.keys(id)).resolves.toBeDefined();
  });

  test("waits for a controller that is being made under the old version", async () => {
    const hub = start();
    const id = ControllerId.parse(crypto.randomUUID());
    const [made, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const adding = opened.database.inController(id, async (tx) => {
      const did = didOf("controller", id);
      await tx.db
        .insert(tables.controller)
        .values({ controllerId: id, did, name: "slow", environment: "sandbox" });
      await hub.ring.create(tx);
      made.resolve();
      await commit.promise;
    });
    await made.promise;
    const rotating = rotate(start());
    await Promise.race([rotating, sleep(500)]);
    commit.resolve();
    await adding;
    expect(await rotating).toEqual({ version: 2, rewrapped: 5, destroyed: true });
    await expect(start().ring.keys(id)).resolves.toBeDefined();
  });

  test("reaches a process that read the key file before it", async () => {
    const early = start();
    await rotate(start());
    const id = await add(early);
    expect(await versionsInUse()).toEqual([2]);
    await expect(start().ring.keys(id)).resolves.toBeDefined();
  });

  test("destroys nothing while keys are still being made under an old version", async () => {
    const old = createKeyRing(opened.database, { ...start().master, current: () => start().master.get(1) });
    const id = await add({ ring: old });
    const rotation = rotate(start(), {
      controllers: async () => {
        const before = await everyController();
        await add({ ring: old });
        return before;
      },
    });
    await expect(rotation).rejects.toMatchObject({ code: "vault/old-version-in-use" });
    expect(versionsInFile()).toEqual([2, 1]);
    await expect(start().ring.keys(id)).resolves.toBeDefined();
  });

  test("is recorded before anything is destroyed, and destroys nothing that could not be recorded", async () => {
    const id = await add(start());
    const rotation = rotate(start(), { record: () => Promise.reject(new Error("disk full")) });
    await expect(rotation).rejects.toThrow("disk full");
    expect([versionsInFile(), await versionsInUse()]).toEqual([[2, 1], [2]]);
    await expect(start().ring.keys(id)).resolves.toBeDefined();
  });
});
