import { randomUUID } from "node:crypto";
import { serve as listen } from "@hono/node-server";
import type { Inngest } from "inngest";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Database } from "#database";
import { HUB } from "#schemas";
import { freshDatabase, type TestDatabase } from "#test";
import { CANARY, contractFunctions, createTrace } from "./contract.functions.ts";
import { createEmbeddedRuntime, createInngestRuntime, type Runtime } from "./index.ts";

const log = { warn: () => {}, error: () => {} };
const trace = createTrace();

interface Harness {
  readonly client: Inngest;
  stop(): Promise<void>;
}

/** Both runtimes make the same promises: the embedded one always, a real server's when INNGEST_BASE_URL says where it is. */
const runtimes: Record<string, (database: Database) => Promise<Harness>> = {
  embedded: async (database) => {
    const { workflows, client } = capture();
    const runtime = createEmbeddedRuntime({ database, workflows, log, backoffScale: 0.002 });
    await runtime.start();
    return { client: client(), stop: () => runtime.stop(1_000) };
  },
  ...(process.env.INNGEST_BASE_URL ? { inngest: startInngest } : {}),
};

async function startInngest(database: Database): Promise<Harness> {
  const { workflows, client } = capture();
  const port = 18_787;
  const runtime: Runtime = createInngestRuntime({
    database,
    workflows,
    log,
    baseUrl: process.env.INNGEST_BASE_URL ?? "",
    eventKey: process.env.INNGEST_EVENT_KEY ?? "",
    signingKey: process.env.INNGEST_SIGNING_KEY ?? "",
    serveOrigin: `http://127.0.0.1:${port}`,
  });
  const server = listen({
    fetch: (request) => runtime.routes?.fetch(request) ?? new Response(),
    port,
    hostname: "127.0.0.1",
  });
  await runtime.start();
  await vi.waitUntil(() => runtime.ready(), { timeout: 20_000 });
  return {
    client: client(),
    stop: async () => {
      await runtime.stop(1_000);
      server.close();
    },
  };
}

/** The runtime makes the client; the tests need it too, to send events. */
function capture() {
  let made: Inngest | undefined;
  return {
    workflows: (client: Inngest) => {
      made = client;
      return contractFunctions(client, trace);
    },
    client: (): Inngest => {
      if (made === undefined) throw new Error("the runtime made no client");
      return made;
    },
  };
}

describe.each(Object.entries(runtimes))("the %s runtime", (name, start) => {
  let db: TestDatabase;
  let harness: Harness;
  const slow = name === "inngest";
  const patience = { timeout: slow ? 40_000 : 8_000, interval: 20 };
  const long = slow ? 60_000 : 20_000;
  beforeAll(async () => {
    db = await freshDatabase();
    harness = await start(db.database);
  }, 40_000);
  afterAll(async () => {
    await harness.stop();
    await db.drop();
  });

  const send = (event: string, data: Record<string, unknown>, id?: string) =>
    harness.client.send({ name: `contract/${event}`, data, ...(id === undefined ? {} : { id }) });
  const began = async (event: string, more: Record<string, unknown> = {}) => {
    const key = randomUUID();
    await send(event, { key, ...more });
    return key;
  };
  const eventually = (key: string) => expect.poll(() => trace.of(key), patience);
  /** Long enough for something that should not happen to happen. */
  const aWhile = () => new Promise((done) => setTimeout(done, slow ? 3_000 : 400));

  test(
    "runs each step once, in order, and hands on its result",
    async () => {
      await eventually(await began("steps")).toEqual(["one", "two", "end 2"]);
    },
    long,
  );

  test(
    "tries a failing step again, and no step that is done",
    async () => {
      await eventually(await began("flaky")).toEqual(["before", "try", "try", "try", "after"]);
    },
    long,
  );

  test(
    "gives up when retries are spent, and tells onFailure why, without what the error quoted",
    async () => {
      const key = await began("failing");
      await expect.poll(() => trace.of(key).length, patience).toBe(3);
      expect(trace.of(key).slice(0, 2)).toEqual(["try", "try"]);
      expect(trace.of(key)[2]).toMatch(/^onFailure internal\/unexpected: unexpected error/);
      expect(trace.of(key).join()).not.toContain(CANARY);
    },
    long,
  );

  test(
    "gives up at once where trying again cannot help",
    async () => {
      const key = await began("failing", { final: true });
      await expect.poll(() => trace.of(key).length, patience).toBe(2);
      expect(trace.count(key, "try")).toBe(1);
    },
    long,
  );

  test(
    "lets a function catch a step's failure and go on",
    async () => {
      await eventually(await began("catching")).toEqual(["instead"]);
    },
    long,
  );

  test(
    "waits as long as Retry-After says",
    async () => {
      const before = Date.now();
      await eventually(await began("retry-after")).toEqual(["try", "try", "done"]);
      expect(Date.now() - before).toBeGreaterThan(900);
    },
    long,
  );

  test(
    "sleeps",
    async () => {
      await eventually(await began("sleeping")).toEqual(["slept"]);
    },
    long,
  );

  test(
    "waits for the event that matches, and for no other",
    async () => {
      const key = await began("waiting", { timeout: "30s" });
      await expect.poll(() => trace.of(key), patience).toEqual(["waits"]);
      await aWhile();
      await send("answer", { key: randomUUID(), by: "mallory" });
      await aWhile();
      expect(trace.of(key)).toEqual(["waits"]);
      await send("answer", { key, by: "alice" });
      await eventually(key).toEqual(["waits", "heard alice"]);
    },
    long,
  );

  test(
    "stops waiting when the time is up",
    async () => {
      await eventually(await began("waiting", { timeout: "1s" })).toEqual(["waits", "timed out"]);
    },
    long,
  );

  test(
    "invokes another function and gets its result, or its failure",
    async () => {
      await eventually(await began("invoking")).toEqual(["child", "got 42"]);
      await eventually(await began("invoking", { fail: true })).toEqual(["the child failed"]);
    },
    long,
  );

  test(
    "runs parallel steps and joins them",
    async () => {
      const key = await began("parallel");
      await expect.poll(() => trace.of(key).at(-1), patience).toBe("joined abc");
      expect([...trace.of(key)].sort()).toEqual(["a", "b", "c", "joined abc"]);
    },
    long,
  );

  test(
    "starts what a step's event triggers",
    async () => {
      await eventually(await began("sending")).toEqual(["child"]);
    },
    long,
  );

  test(
    "recognises an event that is sent again under its id",
    async () => {
      const key = randomUUID();
      for (let i = 0; i < 3; i++) await send("steps", { key }, `event-${key}`);
      await eventually(key).toEqual(["one", "two", "end 2"]);
      await aWhile();
      expect(trace.count(key, "one")).toBe(1);
    },
    long,
  );

  test(
    "runs once for an idempotency key",
    async () => {
      const key = randomUUID();
      for (let i = 0; i < 3; i++) await send("once", { key, i });
      await eventually(key).toEqual(["ran"]);
      await aWhile();
      expect(trace.of(key)).toEqual(["ran"]);
    },
    long,
  );

  test(
    "runs no more at once for a key than its limit, and other keys beside it",
    async () => {
      const [a, b] = [randomUUID(), randomUUID()];
      await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          Promise.all([send("limited", { key: a, n }), send("limited", { key: b, n })]),
        ),
      );
      await expect.poll(() => trace.of(a).length + trace.of(b).length, patience).toBe(12);
      expect(trace.mostAtOnce(a)).toBeLessThanOrEqual(2);
      expect(trace.mostAtOnce(b)).toBeLessThanOrEqual(2);
    },
    long,
  );

  test(
    "cancels a run on the event that says so",
    async () => {
      const [stopped, going] = [await began("cancelled"), await began("cancelled")];
      await eventually(stopped).toEqual(["started"]);
      await aWhile();
      await send("cancel", { key: stopped });
      await eventually(going).toEqual(["started", "went on"]);
      expect(trace.of(stopped)).toEqual(["started"]);
    },
    long,
  );

  test(
    "batches events of one key, each once",
    async () => {
      const [a, b] = [randomUUID(), randomUUID()];
      await harness.client.send(
        Array.from({ length: 25 }, (_, n) =>
          [a, b].map((key) => ({ name: "contract/batched", data: { key, n } })),
        ).flat(),
      );
      for (const key of [a, b]) {
        const items = () => trace.of(key).filter((entry) => entry.startsWith("item")).length;
        await expect.poll(items, patience).toBe(25);
        expect(new Set(trace.of(key).filter((entry) => entry.startsWith("item"))).size).toBe(25);
        expect(trace.of(key)).not.toContain("a stranger");
        const sizes = trace
          .of(key)
          .flatMap((entry) => /^batch of (\d+)$/.exec(entry)?.[1] ?? [])
          .map(Number);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
      }
    },
    long,
  );

  test(
    "starts only what a trigger's condition lets through",
    async () => {
      const key = randomUUID();
      await send("conditional", { key, kind: "unwanted" });
      await send("conditional", { key, kind: "wanted" });
      await eventually(key).toEqual(["wanted"]);
      await aWhile();
      expect(trace.of(key)).toEqual(["wanted"]);
    },
    long,
  );

  test(
    "begins no step while processing is stopped, and goes on with each once when it is resumed, no attempt spent",
    async () => {
      const underWay = await began("held");
      await eventually(underWay).toEqual(["one"]);
      await db.sql`insert into processing_stop (controller_id, workflow_id, reason) values (${HUB}, gen_random_uuid(), 'other')`;
      trace.add(underWay, "go on");
      const waiting = await began("held");
      trace.add(waiting, "go on");
      await aWhile();
      expect(trace.of(underWay)).toEqual(["one", "go on"]);
      expect(trace.of(waiting)).toEqual(["go on"]);
      await db.sql`delete from processing_stop`;
      await db.sql`insert into runtime_event (controller_id, id, name, data) values (${HUB}, ${randomUUID()}, 'processing/resumed', '{}')`;
      await eventually(underWay).toEqual(["one", "go on", "two"]);
      await eventually(waiting).toEqual(["go on", "one", "two"]);
    },
    long,
  );
});
