import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HUB } from "#schemas";
import { freshDatabase, type TestDatabase } from "#test";
import type { Transaction } from "./index.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const run = <T>(work: (tx: Transaction) => Promise<T>) =>
  db.database.acrossControllers("lethe_runtime", work);

const insert = ({ sql }: Transaction, id: string) =>
  sql`insert into runtime_event (controller_id, id, name, data) values (${HUB}, ${id}, 'test', '{}')`;

const stored = async (prefix: string) => {
  const rows = await db.superuser(
    (sql) => sql<{ id: string }[]>`select id from runtime_event where id like ${`${prefix}%`}`,
  );
  return new Set(rows.map(({ id }) => id));
};

describe("a transaction", () => {
  test("is rolled back when its work throws", async () => {
    const id = randomUUID();
    await expect(
      run(async (tx) => {
        await insert(tx, id);
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await stored(id)).toEqual(new Set());
  });

  test("whose work keeps a failed statement to itself is not taken for committed", async () => {
    const id = randomUUID();
    const work = run(async (tx) => {
      await insert(tx, id);
      await tx.sql`select 1 / 0`.catch(() => {});
    });
    await expect(work).rejects.toMatchObject({ code: "database/rolled-back" });
    expect(await stored(id)).toEqual(new Set());
  });

  test("waits for a session while all are lent", async () => {
    const ids = Array.from({ length: 50 }, () => `wait-${randomUUID()}`);
    await Promise.all(ids.map((id) => run((tx) => insert(tx, id))));
    expect(await stored("wait-")).toEqual(new Set(ids));
  });

  test("whose session is lost meanwhile fails, and nothing of it happens on another session", async () => {
    const id = randomUUID();
    const work = run(async (tx) => {
      await insert(tx, `${id} before`);
      await db.superuser(
        (sql) =>
          sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where state = 'idle in transaction' and datname = current_database()`,
      );
      await insert(tx, `${id} after`).catch(() => {}); // does not know yet, or no longer
      await insert(tx, `${id} later`).catch(() => {});
    });
    await expect(work).rejects.toMatchObject({ code: "database/unavailable" });
    expect(await stored(id)).toEqual(new Set());
    await run((tx) => insert(tx, `${id} again`));
    expect(await stored(id)).toEqual(new Set([`${id} again`]));
  });
});

test("sessions that are ended at any moment leave every transaction whole or undone, and none without an answer", async () => {
  const prefix = `ended-${randomUUID()}`;
  const committed = new Set<string>();
  let failed = 0;
  let stopped = false;
  let n = 0;
  const writer = async () => {
    while (!stopped) {
      const id = `${prefix} ${n++}`;
      const written = await run(async (tx) => {
        await Promise.all([insert(tx, `${id} a`), insert(tx, `${id} b`)]);
        await insert(tx, `${id} c`);
      }).then(
        () => true,
        () => false,
      );
      if (written) committed.add(id);
      else failed++;
    }
  };
  const writers = Array.from({ length: 12 }, writer);
  await db.superuser(async (sql) => {
    for (let round = 0; round < 150; round++) {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lethe-runtime' and datname = current_database() order by random() limit 2`;
      await new Promise((next) => setTimeout(next, round % 10));
    }
  });
  stopped = true;
  await Promise.all(writers); // hangs, and fails by the time limit, if one got no answer
  const rows = await stored(prefix);
  const whole = new Set([...rows].map((id) => id.slice(0, -2)));
  expect(rows.size).toBe(whole.size * 3);
  expect([...committed].filter((id) => !whole.has(id))).toEqual([]);
  expect(committed.size).toBeGreaterThan(50);
  expect(failed).toBeGreaterThan(10);
});
