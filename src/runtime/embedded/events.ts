import { randomInt } from "node:crypto";
import { v4 as uuid } from "uuid";
import type { Transaction } from "#database";
import type { ControllerId } from "#schemas";
import { compileCondition, type EventValue } from "./expression.ts";
import type { FunctionSpec } from "./registration.ts";
import { controllerOf, createRuns, finishRun, lockRun, type NewRun, resume } from "./runs.ts";

/** Most events dispatched in one transaction. */
const BATCH = 1_000;
/** Kinds of events dispatched in one transaction: more would get too few each to fill a run's batch. */
const MOST_KINDS = BATCH / 50;

export type Functions = ReadonlyMap<string, FunctionSpec>;

/** Whether any function is triggered by events of this name. */
export const listensTo = (functions: Functions) => (name: string) =>
  [...functions.values()].some(({ triggers }) => triggers.some(({ event }) => event === name));

export interface IncomingEvent {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data?: Record<string, unknown> | undefined;
  readonly ts?: number | undefined;
}

/** Takes events sent through the SDK. One whose sender chose the id is recognised when it is sent again. */
export async function ingest(
  { sql }: Transaction,
  events: readonly IncomingEvent[],
  seed: string | null,
): Promise<string[]> {
  const rows = events.map((event, index) => ({
    controller: controllerOf({ data: event.data ?? {} }),
    // The SDK sends the same seed when it repeats a request whose answer was lost.
    id: event.id || (seed === null ? uuid() : `${seed}:${index}`),
    name: event.name,
    data: JSON.stringify(event.data ?? {}),
    keep: String(Boolean(event.id) || seed !== null),
  }));
  const column = <K extends keyof (typeof rows)[number]>(key: K) => rows.map((row) => row[key]);
  await sql`insert into runtime_event (controller_id, id, name, data, keep)
    select controller, id, name, data::jsonb, keep::bool from unnest(${column("controller")}::uuid[], ${column("id")}::text[],
      ${column("name")}::text[], ${column("data")}::text[], ${column("keep")}::text[]) as t(controller, id, name, data, keep)
    on conflict do nothing`;
  return column("id");
}

interface EventRow {
  readonly controllerId: ControllerId;
  readonly id: string;
  readonly name: string;
  readonly data: Record<string, unknown>;
  readonly ts: string;
}

interface Kind {
  readonly name: string;
  readonly controllerId: ControllerId;
}

/**
 * Turns outbox events into runs, resumed waits and cancellations. Events of a batched function stay in the outbox
 * while as many of its runs are unfinished as may run at once for their key: they then leave in fuller batches.
 * Returns how many went.
 */
export async function dispatchEvents(tx: Transaction, functions: Functions): Promise<number> {
  const { sql } = tx;
  const [held, waiting] = await Promise.all([heldBack(tx, functions), whoseWait(tx)]);
  const full = new Set(held.map(keyOf));
  const free = someOf(waiting.filter((kind) => !full.has(keyOf(kind))));
  if (free.length === 0) return 0;
  // Everybody has their turn, however much somebody else has sent.
  const each = Math.ceil(BATCH / free.length);
  const rows = await sql<EventRow[]>`
    select e.* from unnest(${free.map(({ name }) => name)}::text[], ${free.map(({ controllerId }) => controllerId)}::uuid[]) as w(name, controller_id)
    cross join lateral (
      select e.controller_id as "controllerId", e.id, e.name, e.data, extract(epoch from e.created_at) * 1000 as ts, e.seq from runtime_event e
      where e.dispatched_at is null and e.name = w.name and e.controller_id = w.controller_id
      order by e.seq limit ${each} for update skip locked) as e
    order by e.seq`;
  if (rows.length === 0) return 0;
  const events = rows.map(
    (row): EventValue => ({ id: row.id, name: row.name, data: row.data, ts: Math.floor(Number(row.ts)) }),
  );
  await settleWaits(tx, functions, events);
  await createRuns(
    tx,
    [...functions.values()].flatMap((spec) => runsOf(spec, events)),
  );
  const ids = rows.map(({ id }) => id);
  const controllers = rows.map(({ controllerId }) => controllerId);
  await sql`
    with gone as (select * from unnest(${controllers}::uuid[], ${ids}::text[]) as t(controller_id, id)), kept as (
      update runtime_event e set dispatched_at = now() from gone
      where e.controller_id = gone.controller_id and e.id = gone.id and e.keep
    )
    delete from runtime_event e using gone where e.controller_id = gone.controller_id and e.id = gone.id and not e.keep`;
  return rows.length;
}

const keyOf = ({ name, controllerId }: Kind) => `${controllerId} ${name}`;

/** As many as are served at a time, in turn from anywhere: whoever is not among them is soon, whichever process looks next. */
function someOf(kinds: readonly Kind[]): readonly Kind[] {
  if (kinds.length <= MOST_KINDS) return kinds;
  const start = randomInt(kinds.length);
  return [...kinds.slice(start), ...kinds.slice(0, start)].slice(0, MOST_KINDS);
}

function runsOf(spec: FunctionSpec, events: readonly EventValue[]): NewRun[] {
  const matching = events.filter((event) =>
    spec.triggers.some((trigger) => trigger.event === event.name && (trigger.when?.(event, event) ?? true)),
  );
  const { batch } = spec;
  if (batch === undefined) return matching.map((event) => ({ spec, events: [event] }));
  // A batch holds one controller's events, whatever its key: runs belong to one controller.
  const groups = Map.groupBy(matching, (event) => `${controllerOf(event)} ${batch.key?.(event) ?? ""}`);
  return [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / batch.maxSize) }, (_, i) => ({
      spec,
      events: group.slice(i * batch.maxSize, (i + 1) * batch.maxSize),
    })),
  );
}

/** Whose events wait, by name: from one to the next in the index, so that it does not matter how many they are. */
async function whoseWait({ sql }: Transaction): Promise<Kind[]> {
  return sql<Kind[]>`
    with recursive kind as (
      (select name, controller_id from runtime_event where dispatched_at is null order by name, controller_id limit 1)
      union all
      select next.name, next.controller_id from kind cross join lateral (
        select e.name, e.controller_id from runtime_event e
        where e.dispatched_at is null and (e.name, e.controller_id) > (kind.name, kind.controller_id)
        order by e.name, e.controller_id limit 1) as next
    )
    select name, controller_id as "controllerId" from kind`;
}

/**
 * What a batched function has enough runs of for now. Those that wait for a retry do not count. Only batches by controller
 * are held back: by any other key, all that waits would have to be looked through.
 */
async function heldBack({ sql }: Transaction, functions: Functions): Promise<Kind[]> {
  const batched = [...functions.values()].filter(
    ({ batch, concurrency }) => batch?.path === BY_CONTROLLER && concurrency?.path === BY_CONTROLLER,
  );
  if (batched.length === 0) return [];
  const full = await sql<{ functionId: string; controllerId: ControllerId }[]>`
    select f.id as "functionId", q.controller_id as "controllerId"
    from unnest(${batched.map(({ id }) => id)}::text[], ${batched.map(({ concurrency }) => concurrency?.limit ?? 0)}::int[]) as f(id, most)
    join runtime_queue q on q.function_id = f.id and q.run_at <= now() group by f.id, f.most, q.controller_id having count(*) >= f.most`;
  return full.flatMap(({ functionId, controllerId }) =>
    (functions.get(functionId)?.triggers ?? []).map(({ event }) => ({ name: event, controllerId })),
  );
}

const BY_CONTROLLER = "event.data.controllerId";

interface WaitRow {
  readonly controllerId: ControllerId;
  readonly runId: string;
  readonly stepId: string;
  readonly eventName: string;
  readonly expression: string | null;
  readonly first: EventValue;
}

/** Resumes the runs that wait for these events, and cancels those that the events cancel. */
async function settleWaits(
  tx: Transaction,
  functions: Functions,
  events: readonly EventValue[],
): Promise<void> {
  const { sql } = tx;
  const names = [...new Set(events.map(({ name }) => name))];
  const waits = await sql<WaitRow[]>`
    select w.controller_id as "controllerId", w.run_id as "runId", w.step_id as "stepId", w.event_name as "eventName", w.expression, r.events -> 0 as first
    from runtime_wait w join runtime_run r on r.controller_id = w.controller_id and r.id = w.run_id
    where w.event_name = any(${names}::text[]) and (w.expires_at is null or w.expires_at > now())
    order by w.run_id, w.step_id`;
  for (const wait of waits) {
    const condition = wait.expression === null ? () => true : compileCondition(wait.expression);
    const event = events.find(
      (candidate) => candidate.name === wait.eventName && condition(wait.first, candidate),
    );
    if (event === undefined || !(await lockRun(tx, wait))) continue;
    const [there] = await sql`delete from runtime_wait
      where controller_id = ${wait.controllerId} and run_id = ${wait.runId} and step_id = ${wait.stepId} returning step_id`;
    if (there === undefined) continue;
    if (wait.stepId.startsWith("cancel:")) {
      await finishRun(tx, wait, { status: "cancelled", output: null }, listensTo(functions));
      continue;
    }
    await sql`delete from runtime_queue
      where controller_id = ${wait.controllerId} and run_id = ${wait.runId} and step_id = ${wait.stepId} and kind = 'wake'`;
    await resume(tx, wait, wait.stepId, { data: event });
  }
}
