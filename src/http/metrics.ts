import { setTimeout } from "node:timers/promises";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { lastOfStanding } from "#audit";
import type { Database } from "#database";
import type { Observed } from "#intake";
import { type AuditEntry, HUB } from "#schemas";

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
  counted(registry, "lethe_outbox_events", "Workflow events that wait to be dispatched", () =>
    database.acrossControllers(
      "lethe_runtime",
      ({ sql }) => sql<Count[]>`select count(*)::int as count from runtime_event where dispatched_at is null`,
    ),
  );
  counted(
    registry,
    "lethe_audit_unsealed_events",
    "Committed audit events that the sequencer has not sealed yet",
    () =>
      database.acrossControllers(
        "lethe_sequencer",
        ({ sql }) => sql<Count[]>`select count(*)::int as count from audit_event e, audit_sequencer s
          where (e.xid, e.id) > (s.watermark_xid, s.watermark_id) and e.id > s.floor_id`,
      ),
  );
  counted(
    registry,
    "lethe_processing_stopped",
    "1 while the kill switch keeps workflows from beginning a step",
    () =>
      database.acrossControllers(
        "lethe_runtime",
        ({ sql }) => sql<Count[]>`select count(*)::int as count from processing_stop`,
      ),
  );
  const integrity = (of: (last: AuditEntry) => number) => () =>
    database
      .acrossControllers("lethe_sequencer", (tx) => lastOfStanding(tx, "integrity", HUB))
      .then((last) => (last === undefined ? [] : [{ count: of(last) }]));
  counted(
    registry,
    "lethe_integrity_faults",
    "Faults that the last nightly check of the logs and policies found",
    integrity(({ facts }) => Number(facts.faults)),
  );
  counted(
    registry,
    "lethe_integrity_checked_timestamp_seconds",
    "When that check was, in seconds since 1970",
    integrity(({ time }) => Math.floor(Date.parse(time) / 1_000)),
  );
  return {
    contentType: registry.contentType,
    observe: ({ connector, outcome, reason = "" }) => requests.inc({ connector, outcome, reason }),
    observeDuration: (seconds) => duration.observe(seconds),
    text: () => registry.metrics(),
  };
}

type Count = { readonly count: number };

/** Milliseconds that a scrape waits for the database; Prometheus gives it ten seconds for everything. */
const PATIENCE = 2_000;

/** A gauge that the database counts at each scrape. While it does not answer there is no value: an old one would be a lie. */
function counted(registry: Registry, name: string, help: string, count: () => Promise<Count[]>): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      const rows = await Promise.race([count(), setTimeout(PATIENCE, [], { ref: false })]).catch(() => []);
      this.remove();
      for (const row of rows) this.set(row.count);
    },
  });
}
