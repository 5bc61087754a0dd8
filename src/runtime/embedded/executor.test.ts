import { randomUUID } from "node:crypto";
import type { GetStepTools, Inngest, InngestFunction } from "inngest";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { databaseErrors } from "#database";
import { freshDatabase, type TestDatabase } from "#test";
import { createEmbeddedRuntime } from "./index.ts";

const log = { warn: () => {}, error: () => {} };

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

/** A process of its own, as far as the database can tell: its own client, executor and memory. */
function worker(functions: (client: Inngest) => InngestFunction.Any[]) {
  let client: Inngest | undefined;
  const runtime = createEmbeddedRuntime({
    database: db.database,
    workflows: (made) => {
      client = made;
      return functions(made);
    },
    log,
    backoffScale: 0.001,
  });
  return {
    start: runtime.start,
    stop: (milliseconds = 1_000) => runtime.stop(milliseconds),
    send: (name: string, data: Record<string, unknown>) => (client as Inngest).send({ name, data }),
  };
}

const count = async (query: string) => {
  const [row] = await db.superuser((sql) => sql.unsafe(query));
  return Number(row?.count);
};

describe("when a worker dies", () => {
  test("another goes on from the last step that was checkpointed, and the dead one's late word is not taken", async () => {
    const name = `crash/${randomUUID()}`;
    const did: string[] = [];
    const reachedTwo = Promise.withResolvers<void>();
    const lateWord = Promise.withResolvers<void>();
    const functions = (who: string) => (client: Inngest) => [
      client.createFunction({ id: "crash", triggers: [{ event: name }], retries: 0 }, async ({ step }) => {
        await step.run("one", () => did.push(`${who} one`));
        await step.run("two", async () => {
          did.push(`${who} two`);
          if (who !== "dying") return "second answer";
          reachedTwo.resolve();
          await lateWord.promise; // stalled, until somebody else has done it
          return "late answer";
        });
        await step.run("three", () => did.push(`${who} three`));
      }),
    ];
    const dying = worker(functions("dying"));
    await dying.start();
    await dying.send(name, {});
    await reachedTwo.promise;
    await dying.stop(1); // no more heartbeats; the lease is handed back
    const surviving = worker(functions("surviving"));
    await surviving.start();
    await expect.poll(() => did).toEqual(["dying one", "dying two", "surviving two", "surviving three"]);
    lateWord.resolve();
    await new Promise((done) => setTimeout(done, 300));
    expect(did).toEqual(["dying one", "dying two", "surviving two", "surviving three"]);
    const [step] = await db.superuser(
      (sql) =>
        sql`select result from lethe.runtime_step s join lethe.runtime_run r on r.id = s.run_id where r.events->0->>'name' = ${name} and position = 1`,
    );
    expect(step?.result).toEqual({ data: "second answer" });
    await surviving.stop();
  });

  test.each([
    { how: "when the lease is over, if it hangs", leasedFor: "700 milliseconds", worker: null },
    { how: "at once, if its process is gone", leasedFor: "1 hour", worker: 2_000_000_000 },
  ])("what it had leased comes back $how", async ({ leasedFor, worker: holder }) => {
    const name = `lease/${randomUUID()}`;
    const run = randomUUID();
    const did: string[] = [];
    const functions = (client: Inngest) => [
      client.createFunction({ id: "lease", triggers: [{ event: name }], retries: 0 }, async ({ step }) => {
        await step.run("one", () => did.push("one"));
      }),
    ];
    const first = worker(functions);
    await first.start();
    await first.stop();
    await first.send(name, {}); // into the outbox; nobody works
    await db.superuser(async (sql) => {
      await sql`insert into lethe.runtime_run (controller_id, id, function_id, status, events) values ('00000000-0000-0000-0000-000000000000', ${run}, 'lethe-lease', 'running', jsonb_build_array(jsonb_build_object('name', ${name}::text, 'data', '{}'::jsonb, 'id', 'x', 'ts', 0)))`;
      await sql`insert into lethe.runtime_queue (controller_id, id, run_id, function_id, kind, step_id, lease, locked_until, worker)
        values ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), ${run}, 'lethe-lease', 'call', 'step', gen_random_uuid(), now() + ${leasedFor}::text::interval, ${holder})`;
    });
    const second = worker(functions);
    await second.start();
    await expect.poll(() => did, { timeout: 5_000 }).toEqual(["one", "one"]);
    await second.stop();
  });
});

test("an outage of the hub's own database uses up no attempt of a function", async () => {
  const name = `outage/${randomUUID()}`;
  const attempts: number[] = [];
  const functions = (client: Inngest) => [
    client.createFunction(
      { id: "outage", triggers: [{ event: name }], retries: 1 },
      async ({ step, attempt }) => {
        await step.run("write", () => {
          attempts.push(attempt);
          if (attempts.length < 5) throw databaseErrors.unavailable();
        });
      },
    ),
  ];
  const one = worker(functions);
  await one.start();
  await one.send(name, {});
  await expect.poll(() => attempts).toEqual([0, 0, 0, 0, 0]);
  await one.stop();
});

describe("a reply that can never be written", () => {
  test.each<[string, string, (step: GetStepTools<Inngest>) => Promise<unknown>]>([
    [
      "a wait whose condition is beyond the runtime's CEL",
      "runtime/unsupported-expression",
      (step) => step.waitForEvent("wait", { event: "never", timeout: "1h", if: "async.data.n > 3" }),
    ],
    [
      "a step operation that the runtime does not implement",
      "runtime/unsupported-step",
      (step) => step.waitForSignal("wait", { signal: "never", timeout: "1h", onConflict: "fail" }),
    ],
    ["a sleep that is no duration", "runtime/unsupported-duration", (step) => step.sleep("sleep", "a while")],
    [
      "a result with a character that PostgreSQL cannot hold",
      "postgres/22P05",
      async () => ({ text: "\u0000" }),
    ],
  ])("ends the run as failed at once and runs onFailure: %s", async (_what, code, work) => {
    const name = `unwritable/${randomUUID()}`;
    const failures: string[] = [];
    let calls = 0;
    const functions = (client: Inngest) => [
      client.createFunction(
        {
          id: "unwritable",
          triggers: [{ event: name }],
          retries: 3,
          onFailure: ({ error }) => {
            failures.push(error.message);
          },
        },
        ({ step }) => {
          calls++;
          return work(step);
        },
      ),
    ];
    const one = worker(functions);
    await one.start();
    await one.send(name, {});
    await expect.poll(() => failures, { timeout: 5_000 }).toEqual([expect.stringContaining(`${code}: `)]);
    expect(calls).toBe(1);
    const [run] = await db.superuser(
      (sql) => sql`select status from lethe.runtime_run where events->0->>'name' = ${name}`,
    );
    expect(run?.status).toBe("failed");
    await one.stop();
  });
});

describe("several processes", () => {
  test("share the queue: every run happens once, and both take part", async () => {
    const name = `shared/${randomUUID()}`;
    const did = new Map<number, string[]>();
    const both = Promise.withResolvers<void>();
    const functions = (who: string) => (client: Inngest) => [
      client.createFunction(
        { id: "shared", triggers: [{ event: name }], retries: 0 },
        async ({ event, step }) => {
          const { n } = event.data as { n: number };
          await step.run("work", async () => {
            did.set(n, [...(did.get(n) ?? []), who]);
            // Nobody goes on before both have work: one that is full leaves the rest to the other.
            if (new Set([...did.values()].flat()).size === 2) both.resolve();
            await both.promise;
          });
        },
      ),
    ];
    const workers = [worker(functions("a")), worker(functions("b"))];
    await Promise.all(workers.map((one) => one.start()));
    await Promise.all(Array.from({ length: 200 }, (_, n) => workers[n % 2]?.send(name, { n })));
    await expect.poll(() => did.size, { timeout: 15_000 }).toBe(200);
    await Promise.all(workers.map((one) => one.stop()));
    expect([...did.values()].every((who) => who.length === 1)).toBe(true);
    expect(new Set([...did.values()].flat())).toEqual(new Set(["a", "b"]));
  });

  test("keep a concurrency limit together, for each key and for all of them", async () => {
    const name = `limit/${randomUUID()}`;
    const running: string[] = [];
    const most = { ofOneKey: 0, together: 0 };
    let done = 0;
    const functions = (client: Inngest) => [
      client.createFunction(
        {
          id: "together",
          triggers: [{ event: name }],
          retries: 0,
          concurrency: [{ limit: 2, key: "event.data.key" }, { limit: 3 }],
        },
        async ({ event, step }) => {
          await step.run("work", async () => {
            const { key } = event.data as { key: string };
            running.push(key);
            most.together = Math.max(most.together, running.length);
            most.ofOneKey = Math.max(most.ofOneKey, running.filter((one) => one === key).length);
            await new Promise((after) => setTimeout(after, 10));
            running.splice(running.indexOf(key), 1);
            done++;
          });
        },
      ),
    ];
    const workers = [worker(functions), worker(functions)];
    await Promise.all(workers.map((one) => one.start()));
    const keys = [
      ...Array.from({ length: 20 }, () => "a"),
      ...Array.from({ length: 10 }, (_, n) => `b${n % 3}`),
    ];
    await Promise.all(keys.map((key, n) => workers[n % 2]?.send(name, { key })));
    await expect.poll(() => done, { timeout: 15_000 }).toBe(30);
    expect(most).toEqual({ ofOneKey: 2, together: 3 });
    await Promise.all(workers.map((one) => one.stop()));
  });
});

describe("a cron function", () => {
  test("starts when it is due, once among all processes, and makes up once for times missed", async () => {
    const did: string[] = [];
    const functions = (who: string) => (client: Inngest) => [
      client.createFunction(
        { id: "hourly", triggers: [{ cron: "0 * * * *" }], retries: 0 },
        async ({ step }) => {
          await step.run("tick", () => did.push(who));
        },
      ),
    ];
    const first = worker(functions("first"));
    await first.start();
    await first.stop();
    await db.superuser(
      (sql) =>
        sql`update lethe.runtime_cron set next_at = now() - interval '5 hours' where function_id = 'lethe-hourly'`,
    );
    const workers = [worker(functions("a")), worker(functions("b"))];
    await Promise.all(workers.map((one) => one.start()));
    await expect.poll(() => did.length, { timeout: 5_000 }).toBe(1);
    await new Promise((done) => setTimeout(done, 1_200));
    expect(did).toHaveLength(1);
    const [row] = await db.superuser(
      (sql) =>
        sql`select next_at > now() as later from lethe.runtime_cron where function_id = 'lethe-hourly'`,
    );
    expect(row?.later).toBe(true);
    await Promise.all(workers.map((one) => one.stop()));
  });
});

describe("what the executor cannot do", () => {
  const register = (options: object) => {
    const made = worker((client) => [
      client.createFunction(
        { id: "odd", triggers: [{ event: "odd" }], retries: 0, ...options } as never,
        async () => {},
      ),
    ]);
    return made.start();
  };

  test.each([
    ["rateLimit", { rateLimit: { limit: 1, period: "1s" } }, "rateLimit"],
    ["throttle", { throttle: { limit: 1, period: "1s" } }, "throttle"],
    ["debounce", { debounce: { period: "1s" } }, "debounce"],
    ["priority", { priority: { run: "1" } }, "priority"],
    ["singleton", { singleton: { mode: "skip" } }, "singleton"],
    ["timeouts", { timeouts: { start: "1s" } }, "timeouts"],
    ["a function without retries set", { retries: undefined }, "retries must always be set"],
    [
      "concurrency across functions",
      { concurrency: { limit: 1, scope: "account", key: "'x'" } },
      "concurrency",
    ],
    [
      "a trigger's expression beyond its CEL",
      { triggers: [{ event: "odd", if: "event.data.a > 3" }] },
      "cannot evaluate",
    ],
    [
      "a key's expression beyond its CEL",
      { concurrency: { limit: 1, key: "event.data.a + event.data.b" } },
      "cannot evaluate",
    ],
  ])("is refused at registration: %s", async (_option, options, message) => {
    await expect(register(options)).rejects.toThrow(message);
  });
});

describe("the outbox", () => {
  test("keeps an event until it is dispatched, and then only one whose sender chose its id", async () => {
    const name = `outbox/${randomUUID()}`;
    let seen = 0;
    const functions = (client: Inngest) => [
      client.createFunction({ id: "outbox", triggers: [{ event: name }], retries: 0 }, async () => {
        seen++;
      }),
    ];
    const sender = worker(functions);
    await db.superuser(
      (sql) =>
        sql`insert into lethe.runtime_event (controller_id, id, name, data) values ('00000000-0000-0000-0000-000000000000', ${`e-${name}`}, ${name}, '{}')`,
    );
    expect(await count(`select count(*) from lethe.runtime_event where name = '${name}'`)).toBe(1);
    await sender.start();
    await vi.waitFor(() => expect(seen).toBe(1));
    await expect.poll(() => count(`select count(*) from lethe.runtime_event where name = '${name}'`)).toBe(0);
    await sender.stop();
  });

  test("a run that is over leaves nothing in the queue or among the waits", async () => {
    await expect
      .poll(() =>
        count(
          "select count(*) from lethe.runtime_queue q join lethe.runtime_run r on r.id = q.run_id where r.status <> 'running'",
        ),
      )
      .toBe(0);
    expect(
      await count(
        "select count(*) from lethe.runtime_wait w join lethe.runtime_run r on r.id = w.run_id where r.status <> 'running'",
      ),
    ).toBe(0);
  });
});
