import { pg, sql } from "../drizzle.ts";
import {
  across,
  appRole,
  controllerId,
  instant,
  intakeRole,
  isolation,
  lethe,
  runtimeRole,
} from "./shared.ts";

type Json = Record<string, unknown>;

/**
 * The outbox: an event is written in the transaction that it announces. Ids and enums only. Rows go when
 * dispatched, except those whose sender chose the id (`keep`), which stay a day to recognise a resend.
 */
export const runtimeEvent = lethe.table(
  "runtime_event",
  {
    controllerId: controllerId(),
    id: pg.text("id").notNull(),
    seq: pg.bigint("seq", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    name: pg.text("name").notNull(),
    data: pg.jsonb("data").$type<Json>().notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
    keep: pg.boolean("keep").notNull().default(false),
    lockedUntil: instant("locked_until"),
    dispatchedAt: instant("dispatched_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.index("runtime_event_pending").on(t.seq).where(sql`dispatched_at is null`),
    // To step over what one controller has waiting.
    pg.index("runtime_event_waiting").on(t.name, t.controllerId, t.seq).where(sql`dispatched_at is null`),
    isolation(appRole),
    isolation(intakeRole),
    across(runtimeRole),
  ],
);

/** One execution of a function. */
export const runtimeRun = lethe.table(
  "runtime_run",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").notNull(),
    functionId: pg.text("function_id").notNull(),
    status: pg.text("status").$type<"running" | "completed" | "failed" | "cancelled">().notNull(),
    events: pg.jsonb("events").$type<Json[]>().notNull(),
    output: pg.jsonb("output"),
    /** The function's parallel steps are planned one call each while any of them is pending. */
    planning: pg.boolean("planning").notNull().default(false),
    /** Set when another run waits for this one's result. */
    parentRun: pg.uuid("parent_run"),
    parentStep: pg.text("parent_step"),
    idempotencyKey: pg.text("idempotency_key"),
    /** What counts together against the function's concurrency limit; null where it has none. */
    concurrencyKey: pg.text("concurrency_key"),
    createdAt: instant("created_at").notNull().defaultNow(),
    finishedAt: instant("finished_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg
      .uniqueIndex("runtime_run_once")
      .on(t.controllerId, t.functionId, t.idempotencyKey)
      .where(sql`idempotency_key is not null`),
    pg.index("runtime_run_unfinished").on(t.controllerId, t.functionId).where(sql`status = 'running'`),
    pg.index("runtime_run_finished").on(t.finishedAt).where(sql`status <> 'running'`),
    across(runtimeRole),
  ],
);

/** Memoised steps of a run, in the order in which they finished; `position` is null while one is pending. */
export const runtimeStep = lethe.table(
  "runtime_step",
  {
    controllerId: controllerId(),
    runId: pg.uuid("run_id").notNull(),
    id: pg.text("id").notNull(),
    position: pg.integer("position"),
    /** `{ data }` or `{ error }`, as the SDK expects it back. */
    result: pg.jsonb("result"),
    /** A race: its end is told to the function at once, whatever else is pending. */
    race: pg.boolean("race").notNull().default(false),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.runId, t.id] }), across(runtimeRole)],
);

/** What is to be executed and when. A leased item carries the lease that its worker must still hold to write. */
export const runtimeQueue = lethe.table(
  "runtime_queue",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").notNull(),
    runId: pg.uuid("run_id").notNull(),
    functionId: pg.text("function_id").notNull(),
    /** `call`: call the function. `wake`: a sleep is over, or nobody sent what a step waits for. `expire`: an invoked function takes too long. */
    kind: pg.text("kind").$type<"call" | "wake" | "expire">().notNull(),
    /** `step` to discover, or the hash of the one step to run or wake. */
    stepId: pg.text("step_id").notNull(),
    attempt: pg.integer("attempt").notNull().default(0),
    runAt: instant("run_at").notNull().defaultNow(),
    lease: pg.uuid("lease"),
    lockedUntil: instant("locked_until"),
    /** The process that holds the lease, so that it ends with the process. */
    worker: pg.integer("worker"),
    concurrencyKey: pg.text("concurrency_key"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.index("runtime_queue_due").on(t.runAt),
    pg.index("runtime_queue_run").on(t.controllerId, t.runId),
    pg.index("runtime_queue_leased").on(t.functionId, t.concurrencyKey).where(sql`lease is not null`),
    across(runtimeRole),
  ],
);

/** `waitForEvent` and `cancelOn`: a run that an event of this name may resume or cancel. */
export const runtimeWait = lethe.table(
  "runtime_wait",
  {
    controllerId: controllerId(),
    runId: pg.uuid("run_id").notNull(),
    /** The waiting step, or `cancel:<n>` for the n-th `cancelOn` of the function. */
    stepId: pg.text("step_id").notNull(),
    eventName: pg.text("event_name").notNull(),
    expression: pg.text("expression"),
    expiresAt: instant("expires_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.runId, t.stepId] }),
    pg.index("runtime_wait_event").on(t.eventName),
    across(runtimeRole),
  ],
);

/** When each cron function runs next; one row a function, whichever process gets it. */
export const runtimeCron = lethe.table(
  "runtime_cron",
  {
    controllerId: controllerId(),
    functionId: pg.text("function_id").notNull(),
    schedule: pg.text("schedule").notNull(),
    nextAt: instant("next_at").notNull(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.functionId] }), across(runtimeRole)],
);
