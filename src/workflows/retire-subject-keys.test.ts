import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { moveToEpoch, type SubjectKey } from "#identity";
import { createKeyRing, masterKeyFromEnvironment, rotateMasterKey } from "#vault";
import {
  anew,
  at,
  BACKUP_DAYS,
  backup,
  daysPass,
  epochs,
  erase,
  inUse,
  killedAfter,
  link,
  logged,
  nameOf,
  openBackup,
  read,
  retire,
  start,
  useEpochs,
} from "../../test/support/epochs.ts";

useEpochs();

describe("an erasure epoch", () => {
  test("goes on while nobody is erased, however often the night comes", async () => {
    const ring = start();
    const bob = await link("bob", ring);
    for (let night = 0; night < 3; night++) await retire(ring, { backupDays: 0 });
    expect(await epochs()).toMatchObject([{ version: 1, superseded: null, destroyed: null }]);
    expect(await read(bob, ring)).toEqual(nameOf("bob"));
    expect(await logged()).toEqual([]);
  });

  test("ends with an erasure: the others move, and its key is destroyed when the last backup is gone", async () => {
    const ring = start();
    const people = [];
    for (const name of ["a", "b", "c", "d", "e"]) people.push(await link(name, ring));
    const bob = await link("bob", ring);
    const copy = await backup(bob);
    expect(await openBackup(start(), copy)).toBe("id-bob");

    await erase(bob);
    await retire(ring);
    expect(await inUse()).toEqual([2]);
    expect(await openBackup(start(), copy)).toBe("id-bob"); // so far, and so the evidence says

    await daysPass(BACKUP_DAYS - 1);
    await retire(ring);
    expect((await epochs()).map(({ destroyed }) => destroyed)).toEqual([null, null]);

    await daysPass(1);
    await retire(ring);
    expect(await epochs()).toMatchObject([
      { version: 2, superseded: null, destroyed: null },
      { version: 1, superseded: expect.any(String), destroyed: expect.any(String) },
    ]);
    await expect(openBackup(start(), copy)).rejects.toMatchObject({ code: "vault/key-destroyed" });
    const [, rest] = await at.rooms.superuser(
      (sql) =>
        sql`select wrapped from controller_key where controller_id = ${at.controllerId} and purpose = 'subject' order by version desc`,
    );
    expect(rest).toEqual({ wrapped: null });
    for (const [index, name] of ["a", "b", "c", "d", "e"].entries())
      expect(await read(people[index] as SubjectKey, start())).toEqual(nameOf(name));
  });

  test("leaves each act on the log once, and whose keys they were on none", async () => {
    const ring = start();
    await link("alice", ring);
    await erase(await link("bob", ring));
    await retire(ring);
    await retire(ring);
    await daysPass(BACKUP_DAYS);
    await retire(ring);
    await retire(ring);
    expect(await logged()).toEqual([
      ["keys.epoch_began", "subject-key:2", null],
      ["keys.epoch_settled", "subject-key:2", null],
      ["keys.epoch_destroyed", "subject-key:1", null],
    ]);
  });

  test("keeps its key while a single person is still in it", async () => {
    const ring = start();
    const alice = await link("alice", ring);
    await erase(await link("bob", ring));
    // Somebody holds her row through the whole night, and the backups are gone at once.
    await at.rooms.superuser((sql) =>
      sql.begin(async (held) => {
        await held`select from subject where id = ${alice.id} for update`;
        await retire(ring, { backupDays: 0 });
      }),
    );
    expect([await inUse(), (await epochs()).map(({ destroyed }) => destroyed)]).toEqual([[1], [null, null]]);
    await retire(ring, { backupDays: 0 });
    expect(await inUse()).toEqual([2]);
    expect((await epochs())[1]?.destroyed).not.toBeNull();
    expect(await read(alice, start())).toEqual(nameOf("alice"));
  });

  test("moves a person by the wrap of their key alone: what is sealed under it stays byte for byte", async () => {
    const ring = start();
    const alice = await link("alice", ring);
    const before = await backup(alice);
    await erase(await link("bob", ring));
    await retire(ring);
    const after = await backup(alice);
    const lasting = (key: Uint8Array) => Buffer.from(key.subarray(66)).toString("hex");
    expect(after.sealed).toEqual(before.sealed);
    expect(lasting(after.holder.sealedKey)).toBe(lasting(before.holder.sealedKey));
    expect(after.holder.sealedKey).not.toEqual(before.holder.sealedKey);
  });
});

describe("a process that dies in between", () => {
  test("leaves everybody readable wherever it was, and the next night ends it", async () => {
    for (let transactions = 0; transactions < 8; transactions++) {
      await anew();
      const ring = start();
      const people = [];
      for (const name of ["a", "b", "c", "d", "e"]) people.push(await link(name, ring));
      const bob = await link("bob", ring);
      const copy = await backup(bob);
      await erase(bob);
      const died = retire(start(), { database: killedAfter(transactions), backupDays: 0 });
      await died.catch((error: Error) => expect(error.message).toBe("killed"));
      for (const [index, person] of people.entries())
        expect(await read(person, start())).toEqual(nameOf("abcde"[index] as string));
      await retire(start(), { backupDays: 0 });
      await retire(start(), { backupDays: 0 });
      expect(await inUse()).toEqual([2]);
      expect((await logged()).map(([type]) => type)).toEqual([
        ...["keys.epoch_began", "keys.epoch_settled", "keys.epoch_destroyed"],
      ]);
      for (const [index, person] of people.entries())
        expect(await read(person, start())).toEqual(nameOf("abcde"[index] as string));
      await expect(openBackup(start(), copy)).rejects.toMatchObject({ code: "vault/key-destroyed" });
    }
  });
});

describe("two processes", () => {
  test("one that has the old keys in memory reads whom the other moved, and makes nobody in an old epoch", async () => {
    const [mine, other] = [start(), start()];
    const alice = await link("alice", other);
    await erase(await link("bob", other));
    await other.keys(at.controllerId);
    await retire(mine);
    expect(await read(alice, other)).toEqual(nameOf("alice"));

    const late = start();
    await late.keys(at.controllerId);
    await erase(await link("carol", mine));
    await retire(mine);
    const dave = await link("dave", late);
    expect(await inUse()).toEqual([3]);
    await daysPass(BACKUP_DAYS);
    await retire(mine);
    expect(await read(dave, mine)).toEqual(nameOf("dave"));
  });

  test("one that has a destroyed key in memory drops it when it hears of it", async () => {
    const [mine, other] = [start(), start()];
    const bob = await link("bob", mine);
    const copy = await backup(bob);
    const heard: string[] = [];
    await at.rooms.database.listen("lethe_keys_changed", async (payload) => {
      await other.refresh(payload);
      heard.push(payload);
    });
    expect(await openBackup(other, copy)).toBe("id-bob");
    await erase(bob);
    await retire(mine, { backupDays: 0 });
    await expect.poll(() => heard.filter((id) => id === at.controllerId)).toHaveLength(2);
    await expect(openBackup(other, copy)).rejects.toMatchObject({ code: "vault/key-destroyed" });
  });

  test("one that works towards an older epoch takes nobody back to it", async () => {
    const [slow, other] = [start(), start()];
    const alice = await link("alice", other);
    const carol = await link("carol", other);
    await erase(await link("bob", other));
    await retire(other);
    const keys = await slow.keys(at.controllerId);
    const meanwhile = async () => {
      await erase(carol);
      await retire(other);
    };
    // It has looked which epoch is the newest, and now the other one begins the next.
    await at.rooms.database.inController(at.controllerId, (tx) =>
      moveToEpoch(tx, { ...keys, knows: () => false, renew: meanwhile }, undefined),
    );
    expect(keys.current("subject").version).toBe(2);
    expect(await inUse()).toEqual([3]);
    expect(await read(alice, start())).toEqual(nameOf("alice"));
  });

  test("that retire at once, while people come, begin one epoch and lose nobody", async () => {
    const rings = [start(), start(), start()] as const;
    const people: [string, SubjectKey][] = [];
    for (let i = 0; i < 12; i++) people.push([`p${i}`, await link(`p${i}`, rings[0])]);
    for (let night = 0; night < 3; night++) {
      await erase(await link("bob", rings[0]));
      const [, , ...come] = await Promise.all([
        ...[retire(rings[0], { backupDays: 0 }), retire(rings[1], { backupDays: 0 })],
        ...Array.from({ length: 6 }, async (_, i) => {
          const name = `n${night}-${i}`;
          return [name, await link(name, rings[2])] as [string, SubjectKey];
        }),
      ]);
      people.push(...(come as [string, SubjectKey][]));
    }
    await retire(rings[2], { backupDays: 0 });
    expect((await epochs()).map(({ version, destroyed }) => [version, destroyed !== null])).toEqual([
      ...[[4, false]],
      ...[3, 2, 1].map((version) => [version, true]),
    ]);
    for (const [name, person] of people) expect(await read(person, start()), name).toEqual(nameOf(name));
  });
});

test("whatever happens in whichever order, no erased person's key opens in the end, and everybody else's does", {
  timeout: 60_000,
}, async () => {
  const act = fc.oneof(
    fc.record({ do: fc.constant("link" as const), ring: fc.nat(1) }),
    fc.record({ do: fc.constant("erase" as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant("retire" as const), ring: fc.nat(1), dies: fc.option(fc.nat(6)) }),
    fc.record({ do: fc.constant("days" as const), count: fc.integer({ min: 1, max: 40 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 14 }), async (acts) => {
      await anew();
      const rings = [start(), start()] as const;
      const living = new Map<string, SubjectKey>();
      const copies: Awaited<ReturnType<typeof backup>>[] = [];
      let count = 0;
      const ringOf = (index: number) => (index === 0 ? rings[0] : rings[1]);
      for (const one of acts) {
        if (one.do === "link") {
          const name = `p${count++}`;
          living.set(name, await link(name, ringOf(one.ring)));
        } else if (one.do === "days") await daysPass(one.count);
        else if (one.do === "retire") {
          const database = one.dies === null ? at.rooms.database : killedAfter(one.dies);
          await retire(ringOf(one.ring), { database }).catch(() => {});
        } else {
          const [name, person] = [...living][one.which % (living.size || 1)] ?? [];
          if (name === undefined || person === undefined) continue;
          copies.push(await backup(person));
          await erase(person);
          living.delete(name);
        }
      }
      await retire(rings[0]);
      await daysPass(BACKUP_DAYS);
      await retire(rings[1]);
      const fresh = start();
      for (const copy of copies)
        await expect(openBackup(fresh, copy)).rejects.toMatchObject({ code: "vault/key-destroyed" });
      for (const [name, person] of living)
        for (const ring of [fresh, ...rings]) expect(await read(person, ring)).toEqual(nameOf(name));
    }),
    { numRuns: Number(process.env.LETHE_TEST_RUNS ?? 30) },
  );
});

test("the master key is rotated as ever with several epochs, destroyed ones too, and brings none back", async () => {
  const ring = start();
  const alice = await link("alice", ring);
  for (const name of ["bob", "carol"]) {
    await erase(await link(name, ring));
    await retire(ring);
    if (name === "bob") await daysPass(BACKUP_DAYS);
  }
  expect((await epochs()).map(({ destroyed }) => destroyed !== null)).toEqual([false, false, true]);
  const next = Buffer.alloc(32, 7).toString("base64");
  const master = masterKeyFromEnvironment(`2:${next},1:${at.rooms.masterKey}`);
  const rotated = await rotateMasterKey({
    ...{ database: at.rooms.database, ring: createKeyRing(at.rooms.database, master), master },
    controllers: async () => [at.controllerId],
    record: async () => {},
  });
  expect(rotated).toMatchObject({ version: 2, rewrapped: 6 });
  const after = createKeyRing(at.rooms.database, masterKeyFromEnvironment(`2:${next}`));
  expect(await read(alice, after)).toEqual(nameOf("alice"));
  expect((await after.keys(at.controllerId)).current("subject").version).toBe(3);
  expect((await epochs()).map(({ destroyed }) => destroyed !== null)).toEqual([false, false, true]);
});
