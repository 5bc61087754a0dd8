import { expect, test } from "vitest";
import { appendEvents, standingChain, startSequencer } from "#audit";
import type { Database, Transaction } from "#database";
import { type ControllerId, HUB } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { auditBacklog, runtimeBacklog } from "./backlog.ts";
import { createMetrics } from "./metrics.ts";

/** What the database is asked for. */
const GAUGES = [
  ...["lethe_outbox_events", "lethe_outbox_oldest_seconds"],
  ...["lethe_runtime_due_items", "lethe_runtime_oldest_due_seconds", "lethe_processing_stopped"],
  ...["lethe_audit_unsealed_events", "lethe_audit_lag_seconds"],
  ...["lethe_controllers", "lethe_deliveries_waiting", "lethe_deliveries_oldest_waiting_seconds"],
  ...["lethe_deliveries_failed", "lethe_consent_pushes_open", "lethe_consent_pushes_failed"],
  ...["lethe_consent_pushes_manual", "lethe_consent_stuck", "lethe_rights_requests_open"],
  ...["lethe_rights_requests_overdue", "lethe_rights_tasks_waiting"],
];

test("a scrape asks once for all that a role can see and once a controller, and the next few seconds' scrapes do not", async () => {
  const rooms = await freshRooms();
  try {
    for (let n = 0; n < 3; n++) await rooms.controller(); // their first audit events wait: no sequencer runs
    let asked = 0;
    const count = <T>(answer: T): T => {
      asked += 1;
      return answer;
    };
    const metrics = createMetrics({
      ...rooms.database,
      acrossControllers: (role, work) => count(rooms.database.acrossControllers(role, work)),
      inController: (id, work, scope) => count(rooms.database.inController(id, work, scope)),
    });
    const [text] = await Promise.all([metrics.text(), metrics.text()]);
    expect(await metrics.text()).toContain("lethe_controllers 3");
    expect(asked).toBe(4 + 3);
    expect(text).toMatch(/^lethe_outbox_events 0$/m);
    expect(text).toMatch(/^lethe_audit_unsealed_events [1-9]\d*$/m);
  } finally {
    await rooms.drop();
  }
});

test("what waits is counted across controllers, with the age of the oldest", async () => {
  const rooms = await freshRooms();
  try {
    for (const status of ["received", "failed", "failed"]) {
      const controller = await rooms.controller();
      const { id } = await rooms.connection(controller, "shopify");
      await rooms.sql`insert into delivery (controller_id, id, connection_id, connector, dedupe, status, received_at)
        values (${controller}, ${crypto.randomUUID()}, ${id}, 'shopify', ${crypto.randomUUID()}::text::bytea, ${status}, now() - interval '1 hour')`;
      await rooms.sql`insert into rights_request (controller_id, id, kind, scope, status, received_at, due_at)
        values (${controller}, ${crypto.randomUUID()}, 'access', 'subject', 'in_progress', now(), now() + interval '1 day' * ${status === "received" ? -2 : 2})`;
    }
    const at = await samples(createMetrics(rooms.database).text());
    expect(at.get("lethe_deliveries_waiting")).toBe(1);
    expect(at.get("lethe_deliveries_oldest_waiting_seconds")).toBeCloseTo(3_600, -2);
    expect(at.get("lethe_deliveries_failed")).toBe(2);
    expect(at.get("lethe_rights_requests_open")).toBe(3);
    expect(at.get("lethe_rights_requests_overdue")).toBe(1);
    expect(at.get("lethe_rights_next_deadline_seconds")).toBeCloseTo(-2 * 86_400, -2);
    expect(at.get("lethe_audit_lag_seconds")).toBeGreaterThan(0);
  } finally {
    await rooms.drop();
  }
});

test.each([
  ["refuses", () => Promise.reject(new Error("away"))],
  ["says nothing", () => new Promise<never>(() => {})],
])("while the database %s, what it would count is left out and the rest is served", async (_, answer) => {
  const rooms = await freshRooms();
  try {
    let away = false;
    const acrossControllers: Database["acrossControllers"] = (role, work) =>
      away ? answer() : rooms.database.acrossControllers(role, work);
    const metrics = createMetrics({ ...rooms.database, acrossControllers }, { keepFor: 0, waitFor: 50 });
    metrics.observe({ connector: "shopify", outcome: "accepted" });
    metrics.observeRun({ function: "process-delivery", outcome: "completed" });
    const names = async () => [...(await samples(metrics.text())).keys()];
    await expect.poll(names).toEqual(expect.arrayContaining(GAUGES));
    away = true;
    const text = await metrics.text();
    expect([...(await samples(text)).keys()].filter((name) => GAUGES.includes(name))).toEqual([]);
    expect(text).toContain('lethe_intake_requests_total{connector="shopify",outcome="accepted",reason=""} 1');
    expect(text).toContain('lethe_workflow_runs_total{function="process-delivery",outcome="completed"} 1');
    expect(text).toMatch(/^lethe_build_info{version="[\d.]+",node="[\d.]+"} 1$/m);
    away = false;
    await expect.poll(names).toEqual(expect.arrayContaining(GAUGES));
  } finally {
    await rooms.drop();
  }
});

test("what waits to be sealed is counted from the watermark on, by the index, however long the log is", async () => {
  const rooms = await freshRooms();
  try {
    const controller = await rooms.controller();
    for (let n = 0; n < 20; n++) await log(rooms, controller, 250);
    expect((await auditBacklog(rooms.database))?.unsealed).toBeGreaterThanOrEqual(5_000);
    const { stop } = startSequencer({
      ...{ database: rooms.database, ring: rooms.ring, witness: async () => {} },
      onError: () => {},
    });
    await expect
      .poll(async () => (await auditBacklog(rooms.database))?.unsealed, { timeout: 20_000 })
      .toBe(0);
    await stop();
    await log(rooms, controller, 3);
    expect(await auditBacklog(rooms.database)).toMatchObject({ unsealed: 3, oldest: expect.any(Number) });
    for (const known of ["select", "analyze lethe.audit_event"]) {
      await rooms.superuser((sql) => sql.unsafe(known)); // before the planner knows the table, and after
      const plan = JSON.stringify(await auditBacklog(explaining(rooms.database)));
      expect(plan).toMatch(/"Index Name":"audit_event_order"[^{}]*"Index Cond":"\(+ROW\(xid, id\) > /);
      expect(plan).not.toMatch(/"Node Type":"Seq Scan"[^{}]*"Relation Name":"audit_event"/);
    }
  } finally {
    await rooms.drop();
  }
});

test("whether the last check had a checkpoint outside to compare with is told beside its faults", async () => {
  const rooms = await freshRooms();
  try {
    const metrics = () => samples(createMetrics(rooms.database).text());
    expect((await metrics()).has("lethe_integrity_witness")).toBe(false);
    for (const [witness, told] of [
      ["compared", 1],
      ["absent", 0],
    ] as const) {
      await log(rooms, HUB, 1, { faults: 0, witness });
      const at = await metrics();
      expect([at.get("lethe_integrity_faults"), at.get("lethe_integrity_witness")]).toEqual([0, told]);
    }
  } finally {
    await rooms.drop();
  }
});

test("processing is told as stopped by the row that the switch is, and by no other", async () => {
  const rooms = await freshRooms();
  try {
    const throwIt = (id: ControllerId) =>
      rooms.sql`insert into processing_stop (controller_id, workflow_id, reason) values (${id}, gen_random_uuid(), 'other')`;
    await throwIt(await rooms.controller());
    expect(await runtimeBacklog(rooms.database)).toMatchObject({ stopped: 0 });
    await throwIt(HUB);
    expect(await runtimeBacklog(rooms.database)).toMatchObject({ stopped: 1 });
  } finally {
    await rooms.drop();
  }
});

/** Writes events of the nightly check's chain, in one transaction. */
const log = (rooms: TestRooms, controller: ControllerId, count: number, facts = {}) =>
  rooms.database.inController(controller, (tx) =>
    appendEvents(
      tx,
      Array.from({ length: count }, () => ({
        ...{ workflow: standingChain("integrity", controller), type: "integrity.checked" },
        ...{ entity: "hub", actor: "hub", facts },
      })),
    ),
  );

/** The same database, which tells how it would answer instead of answering. */
const explaining = (database: Database): Database => ({
  ...database,
  acrossControllers: (role, work) =>
    database.acrossControllers(role, ({ sql, db }) => {
      const explain = ([first, ...rest]: TemplateStringsArray, ...values: never[]) => {
        const parts = [`explain (format json) ${first}`, ...rest];
        return sql(Object.assign(parts, { raw: parts }), ...values);
      };
      return work({ db, sql: explain as unknown as Transaction["sql"] });
    }),
});

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format, of what has no timestamps. */
const HEADER = /^# (HELP \w+ \S.*|TYPE \w+ (counter|gauge|histogram|summary))$/;
const SAMPLE = /^([a-z_]\w*)(\{\w+="[^"\\]*"(,\w+="[^"\\]*")*\})? (-?[\d.]+(e[+-]?\d+)?|[+-]Inf|NaN)$/i;

/** What stands in an answer, by name; throws at a line that Prometheus would not take. Labels are left out. */
async function samples(answer: string | Promise<string>): Promise<Map<string, number>> {
  const lines = (await answer).split("\n").filter((line) => line !== "" && !HEADER.test(line));
  return new Map(
    lines.map((line) => {
      const [, name, , , value] = SAMPLE.exec(line) ?? [];
      if (name === undefined) throw new Error(`this is no sample: ${line}`);
      return [name, Number(value)];
    }),
  );
}
