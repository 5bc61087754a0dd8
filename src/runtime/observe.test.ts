import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { HUB } from "#schemas";
import { freshDatabase, type TestDatabase } from "#test";
import { createEmbeddedRuntime, type Runtime } from "./index.ts";

let db: TestDatabase;
let runtime: Runtime;
const observed: string[] = [];
const looked: (() => void)[] = [];

beforeAll(async () => {
  db = await freshDatabase();
  runtime = createEmbeddedRuntime({
    database: db.database,
    workflows: (client) => [
      client.createFunction({ id: "held", triggers: [{ event: "begin" }], retries: 1 }, async ({ step }) => {
        await step.run("one", () => new Promise<void>((goOn) => looked.push(goOn)));
        await step.run("two", () => {});
      }),
    ],
    log: { warn: () => {}, error: () => {} },
    backoffScale: 0.002,
    observeRun: ({ outcome }) => void observed.push(outcome),
  });
  await runtime.start();
});
afterAll(async () => {
  await runtime.stop(1_000);
  await db.drop();
});

test("a step that the kill switch kept from beginning is counted neither as retried nor as failed", async () => {
  const announce = (name: string) =>
    db.sql`insert into runtime_event (controller_id, id, name, data) values (${HUB}, ${randomUUID()}, ${name}, '{}')`;
  await announce("begin");
  await vi.waitUntil(() => looked.length === 1, { timeout: 8_000 });
  await db.sql`insert into processing_stop (controller_id, workflow_id, reason) values (${HUB}, gen_random_uuid(), 'other')`;
  looked[0]?.();
  const [held] = await vi.waitUntil(
    async () => {
      const rows = await db.sql`select attempt from runtime_queue where lease is null`;
      return rows.length === 1 && rows;
    },
    { timeout: 8_000 },
  );
  expect(held).toMatchObject({ attempt: 0 });
  expect(observed).toEqual([]);
  await db.sql`delete from processing_stop`;
  await vi.waitFor(() => expect(observed).toEqual(["completed"]), { timeout: 8_000 });
});
