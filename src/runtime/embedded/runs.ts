import { v4 as uuid, v7 as uuidv7 } from "uuid";
import type { Transaction } from "#database";
import { ControllerId, HUB } from "#schemas";
import type { EventValue } from "./expression.ts";
import type { StepResult } from "./protocol.ts";
import type { FunctionSpec } from "./registration.ts";
import { endOf } from "./time.ts";

/** A run by its key. */
export interface RunKey {
  readonly controllerId: ControllerId;
  readonly runId: string;
}

export interface NewRun {
  readonly spec: FunctionSpec;
  readonly events: readonly EventValue[];
  /** The run and step that wait for this one's result; it then belongs to the same controller. */
  readonly parent?: RunKey & { readonly stepId: string };
}

/** The controller that an event belongs to; the hub's own where it names none. */
export function controllerOf(event: Pick<EventValue, "data">): ControllerId {
  const parsed = ControllerId.safeParse(event.data.controllerId);
  return parsed.success ? parsed.data : HUB;
}

/** Creates runs with their first call queued. One that an idempotency key has seen before is left out. */
export async function createRuns({ sql }: Transaction, runs: readonly NewRun[]): Promise<void> {
  if (runs.length === 0) return;
  const rows = runs.map(({ spec, events, parent }) => {
    const [event] = events;
    const limited = spec.concurrency !== undefined;
    return {
      controller: parent?.controllerId ?? (event === undefined ? HUB : controllerOf(event)),
      id: uuidv7(),
      fn: spec.id,
      events: JSON.stringify(events),
      parentRun: parent?.runId ?? null,
      parentStep: parent?.stepId ?? null,
      once: event === undefined ? null : (spec.idempotency?.(event) ?? null),
      key: limited && event !== undefined ? (spec.concurrency?.key?.(event) ?? "") : limited ? "" : null,
    };
  });
  const column = <K extends keyof (typeof rows)[number]>(key: K) => rows.map((row) => row[key]);
  await sql`
    with given as (
      select * from unnest(${column("controller")}::uuid[], ${column("id")}::uuid[], ${column("fn")}::text[], ${column("events")}::text[],
        ${column("parentRun")}::uuid[], ${column("parentStep")}::text[], ${column("once")}::text[], ${column("key")}::text[])
        as t(controller_id, id, fn, events, parent_run, parent_step, once, key)
    ), created as (
      insert into runtime_run (controller_id, id, function_id, status, events, parent_run, parent_step, idempotency_key, concurrency_key)
      select controller_id, id, fn, 'running', events::jsonb, parent_run, parent_step, once, key from given
      on conflict do nothing returning controller_id, id
    )
    insert into runtime_queue (controller_id, id, run_id, function_id, kind, step_id, concurrency_key)
    select given.controller_id, gen_random_uuid(), given.id, given.fn, 'call', 'step', given.key
    from given join created using (controller_id, id)`;
  const cancels = runs.flatMap(({ spec }, index) =>
    spec.cancelOn.map((cancel, place) => ({ ...cancel, place, row: rows[index] })),
  );
  for (const { event, expression, timeout, place, row } of cancels) {
    if (row === undefined) continue;
    const expires = timeout === undefined ? null : new Date(endOf(timeout, Date.now())).toISOString();
    await sql`insert into runtime_wait (controller_id, run_id, step_id, event_name, expression, expires_at)
      select r.controller_id, r.id, ${`cancel:${place}`}, ${event}, ${expression ?? null}, ${expires}
      from runtime_run r where r.controller_id = ${row.controller} and r.id = ${row.id}`;
  }
}

/** Queues a call that lets the function go on, unless one waits already. */
async function queueDiscovery({ sql }: Transaction, { controllerId, runId }: RunKey): Promise<void> {
  await sql`
    insert into runtime_queue (controller_id, id, run_id, function_id, kind, step_id, concurrency_key)
    select r.controller_id, ${uuid()}::uuid, r.id, r.function_id, 'call', 'step', r.concurrency_key
    from runtime_run r where r.controller_id = ${controllerId} and r.id = ${runId} and not exists (
      select from runtime_queue q where q.controller_id = r.controller_id and q.run_id = r.id
        and q.kind = 'call' and q.step_id = 'step' and q.lease is null)`;
}

/** Notes a step's end. False if it had ended before: the first result counts. */
export async function memoise(
  { sql }: Transaction,
  { controllerId, runId }: RunKey,
  stepId: string,
  result: StepResult,
): Promise<boolean> {
  const rows = await sql`
    insert into runtime_step as s (controller_id, run_id, id, position, result)
    values (${controllerId}, ${runId}, ${stepId}, (
      select coalesce(max(position), -1) + 1 from runtime_step where controller_id = ${controllerId} and run_id = ${runId}
    ), ${JSON.stringify(result)}::jsonb)
    on conflict (controller_id, run_id, id) do update set position = excluded.position, result = excluded.result
      where s.position is null
    returning id`;
  return rows.length > 0;
}

/** Locks a run; false if it is over. Always before its steps, queue and waits, so that two writers cannot deadlock. */
export async function lockRun({ sql }: Transaction, { controllerId, runId }: RunKey): Promise<boolean> {
  const [run] =
    await sql`select status from runtime_run where controller_id = ${controllerId} and id = ${runId} for update`;
  return run?.status === "running";
}

/** Ends a pending step and lets the function go on once nothing else of its group is pending (or at once, in a race). */
export async function resume(
  tx: Transaction,
  key: RunKey,
  stepId: string,
  result: StepResult,
): Promise<void> {
  if (!(await lockRun(tx, key)) || !(await memoise(tx, key, stepId, result))) return;
  await goOn(tx, key, stepId);
}

/** Queues the function's next call, unless steps of the ended one's group are pending; a race does not wait for them. */
export async function goOn(tx: Transaction, key: RunKey, ended: string): Promise<void> {
  const { sql } = tx;
  const [state] = await sql<{ pending: number; race: boolean }[]>`
    select count(*) filter (where position is null)::int as pending, coalesce(bool_or(race) filter (where id = ${ended}), false) as race
    from runtime_step where controller_id = ${key.controllerId} and run_id = ${key.runId}`;
  if (state?.pending === 0)
    await sql`update runtime_run set planning = false where controller_id = ${key.controllerId} and id = ${key.runId} and planning`;
  if (state?.pending === 0 || state?.race === true) await queueDiscovery(tx, key);
}

/** Ends a run: nothing of it stays queued or waiting, whoever invoked it gets the result, and failures are announced. */
export async function finishRun(
  tx: Transaction,
  key: RunKey,
  end: { status: "completed" | "failed" | "cancelled"; output: unknown },
  announces: (event: string) => boolean,
): Promise<void> {
  const { sql } = tx;
  const [run] = await sql<
    { functionId: string; events: EventValue[]; parentRun: string | null; parentStep: string | null }[]
  >`
    update runtime_run set status = ${end.status}, output = ${JSON.stringify(end.output ?? null)}::jsonb, finished_at = now()
    where controller_id = ${key.controllerId} and id = ${key.runId} and status = 'running'
    returning function_id as "functionId", events, parent_run as "parentRun", parent_step as "parentStep"`;
  if (run === undefined) return;
  await Promise.all([
    sql`delete from runtime_queue where controller_id = ${key.controllerId} and run_id = ${key.runId}`,
    sql`delete from runtime_wait where controller_id = ${key.controllerId} and run_id = ${key.runId}`,
  ]);
  if (run.parentRun !== null && run.parentStep !== null) {
    const result =
      end.status === "completed" ? { data: end.output ?? null } : { error: end.output ?? cancelled() };
    await resume(tx, { controllerId: key.controllerId, runId: run.parentRun }, run.parentStep, result);
  }
  const announcement = end.status === "failed" ? "inngest/function.failed" : "inngest/function.cancelled";
  if (end.status === "completed" || !announces(announcement)) return;
  const data = {
    function_id: run.functionId,
    run_id: key.runId,
    error: end.output,
    event: run.events[0],
    events: run.events,
  };
  await sql`insert into runtime_event (controller_id, id, name, data)
    values (${key.controllerId}, ${uuid()}, ${announcement}, ${JSON.stringify(data)}::jsonb)`;
}

function cancelled(): { name: string; message: string } {
  return { name: "Error", message: "the run was cancelled" };
}
