import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Database } from "#database";
import type { Observed } from "#intake";
import { VERSION } from "#telemetry";
import { auditBacklog, lastCheck, recordsBacklog, runtimeBacklog } from "./backlog.ts";
import { kept, type Patience } from "./kept.ts";

export interface Metrics {
  readonly contentType: string;
  observe(outcome: Observed): void;
  observeDuration(seconds: number): void;
  observeRun(run: { readonly function: string; readonly outcome: string }): void;
  text(): Promise<string>;
}

/** What the database counts is told again for five seconds. Prometheus gives a scrape ten for everything. */
const PATIENCE: Patience = { keepFor: 5_000, waitFor: 2_000 };

/** Prometheus metrics. Labels are enumerated values: connector, outcome, reason, function; never an id, an account or an address. */
export function createMetrics(database: Database, patience = PATIENCE): Metrics {
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
  const runs = new Counter({
    name: "lethe_workflow_runs_total",
    help: "Runs of workflows that completed or failed, and tries that are repeated, in this process",
    labelNames: ["function", "outcome"],
    registers: [registry],
  });
  new Gauge({
    name: "lethe_build_info",
    help: "Always 1; the version and the Node.js that runs",
    labelNames: ["version", "node"],
    registers: [registry],
  }).set({ version: VERSION, node: process.versions.node }, 1);

  const runtime = kept(() => runtimeBacklog(database), patience);
  const audit = kept(() => auditBacklog(database), patience);
  const check = kept(() => lastCheck(database), patience);
  const records = kept(() => recordsBacklog(database), patience);
  gauges(registry, runtime, {
    lethe_outbox_events: ["Workflow events that wait to be dispatched", (now) => now.events],
    lethe_outbox_oldest_seconds: [
      "For how long the oldest of them has waited",
      (now) => now.oldestEvent ?? 0,
    ],
    lethe_runtime_due_items: [
      "Calls of the embedded runtime that are due and not under way",
      (now) => now.due,
    ],
    lethe_runtime_oldest_due_seconds: [
      "For how long the oldest of them has been due",
      (now) => now.oldestDue ?? 0,
    ],
    lethe_processing_stopped: [
      "1 while the kill switch keeps workflows from beginning a step",
      (now) => now.stopped,
    ],
  });
  gauges(registry, audit, {
    lethe_audit_unsealed_events: [
      "Committed audit events that the sequencer has not sealed yet",
      (now) => now.unsealed,
    ],
    lethe_audit_lag_seconds: ["The age of the oldest of them", (now) => now.oldest ?? 0],
    lethe_audit_checkpoint_age_seconds: ["Since the hub's last signed checkpoint", (now) => now.checkpoint],
  });
  gauges(registry, check, {
    lethe_integrity_faults: [
      "Faults that the last nightly check of the logs and policies found",
      (last) => last.faults,
    ],
    lethe_integrity_witness: [
      "1 if that check compared the hub's log with the checkpoint held outside of the database, 0 if there was none",
      (last) => last.witness,
    ],
    lethe_integrity_checked_timestamp_seconds: [
      "When that check was, in seconds since 1970",
      (last) => last.at,
    ],
  });
  gauges(registry, records, {
    lethe_controllers: ["Controllers of this hub", (now) => now.controllers],
    lethe_deliveries_waiting: ["Deliveries that wait to be processed", (now) => now.deliveries.waiting],
    lethe_deliveries_oldest_waiting_seconds: [
      "For how long the oldest of them has waited",
      (now) => now.deliveries.oldest ?? 0,
    ],
    lethe_deliveries_failed: [
      "Deliveries that failed and are retained, sealed, for replay",
      (now) => now.deliveries.failed,
    ],
    lethe_consent_pushes_open: ["Platforms that are being brought in step", (now) => now.pushes.open],
    lethe_consent_pushes_failed: ["Platforms that could not be brought in step", (now) => now.pushes.failed],
    lethe_consent_pushes_manual: ["Platforms that a person has to bring in step", (now) => now.pushes.manual],
    lethe_consent_stuck: [
      "Changes of consent that nobody has worked on for hours",
      (now) => now.pushes.stuck,
    ],
    lethe_rights_requests_open: ["Rights requests that are not closed", (now) => now.rights.open],
    lethe_rights_requests_overdue: ["Of these, those whose deadline has passed", (now) => now.rights.overdue],
    lethe_rights_tasks_waiting: [
      "Tasks of rights requests that wait for a person",
      (now) => now.rights.waiting,
    ],
    lethe_rights_next_deadline_seconds: [
      "Until the next deadline of a rights request; negative when it has passed",
      (now) => now.rights.next,
    ],
  });
  return {
    contentType: registry.contentType,
    observe: ({ connector, outcome, reason = "" }) => requests.inc({ connector, outcome, reason }),
    observeDuration: (seconds) => duration.observe(seconds),
    observeRun: ({ function: name, outcome }) => runs.inc({ function: name, outcome }),
    text: () => registry.metrics(),
  };
}

/** Gauges of what the database is asked for at once, by name: what they are, and which of the figures. Null has no value. */
function gauges<T>(
  registry: Registry,
  ask: () => Promise<T | undefined>,
  named: Record<string, readonly [help: string, value: (figures: T) => number | null]>,
): void {
  for (const [name, [help, value]] of Object.entries(named))
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const figures = await ask();
        this.remove();
        const count = figures === undefined ? null : value(figures);
        if (count !== null) this.set(count);
      },
    });
}
