import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Database } from "#database";
import type { Observed } from "#intake";

export interface Metrics {
  readonly contentType: string;
  observe(outcome: Observed): void;
  observeDuration(seconds: number): void;
  text(): Promise<string>;
}

/** Prometheus metrics. Labels are enumerated values: connector, outcome, reason; never an id, an account or an address. */
export function createMetrics(database: Database): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: "lethe_intake_requests_total",
    help: "Webhook requests by what became of them",
    labelNames: ["connector", "outcome", "reason"],
    registers: [registry],
  });
  const duration = new Histogram({
    name: "lethe_intake_duration_seconds",
    help: "From a request's first byte to its answer",
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2.5],
    registers: [registry],
  });
  new Gauge({
    name: "lethe_outbox_events",
    help: "Workflow events that wait to be dispatched",
    registers: [registry],
    async collect() {
      this.set((await gauges(database)).outbox);
    },
  });
  new Gauge({
    name: "lethe_audit_unsealed_events",
    help: "Committed audit events that the sequencer has not sealed yet",
    registers: [registry],
    async collect() {
      this.set((await gauges(database)).unsealed);
    },
  });
  return {
    contentType: registry.contentType,
    observe: ({ connector, outcome, reason = "" }) => requests.inc({ connector, outcome, reason }),
    observeDuration: (seconds) => duration.observe(seconds),
    text: () => registry.metrics(),
  };
}

async function gauges(database: Database): Promise<{ outbox: number; unsealed: number }> {
  const [outbox] = await database.acrossControllers(
    "lethe_runtime",
    ({ sql }) => sql`select count(*)::int as count from runtime_event where dispatched_at is null`,
  );
  const [unsealed] = await database.acrossControllers(
    "lethe_sequencer",
    ({ sql }) =>
      sql`select count(*)::int as count from audit_event e, audit_sequencer s
      where (e.xid, e.id) > (s.watermark_xid, s.watermark_id) and e.id > s.floor_id`,
  );
  return { outbox: Number(outbox?.count ?? 0), unsealed: Number(unsealed?.count ?? 0) };
}
