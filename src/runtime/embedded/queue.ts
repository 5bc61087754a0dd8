import { v4 as uuid } from "uuid";
import type { Transaction } from "#database";
import type { ControllerId } from "#schemas";
import type { EventValue } from "./expression.ts";
import type { StepResult } from "./protocol.ts";
import type { FunctionSpec } from "./registration.ts";
import { lockRun, type RunKey } from "./runs.ts";

/** A leased queue item, with what the call needs of its run. */
export interface Item extends RunKey {
  readonly id: string;
  readonly functionId: string;
  readonly kind: "call" | "wake" | "expire";
  readonly stepId: string;
  readonly attempt: number;
  /** Proof of the lease: whoever took the item over has another. */
  readonly lease: string;
  readonly events: readonly EventValue[];
  readonly planning: boolean;
  /** Finished steps in the order in which they finished. */
  readonly steps: readonly { readonly id: string; readonly result: StepResult }[];
}

/** One claimer at a time, among all processes: only so does a concurrency limit hold. A claim takes a millisecond. */
const CLAIMING = 0x1e74e004;
/** How many due items a claim looks at. */
const WINDOW = 1_000;

interface ItemRow extends Omit<Item, "steps"> {
  readonly steps: Item["steps"] | null;
}

/**
 * Leases due items, oldest first, within each function's concurrency limit for its key. Items whose lease ran
 * out (their worker died) are due again.
 */
export async function claimItems(
  { sql }: Transaction,
  functions: ReadonlyMap<string, FunctionSpec>,
  options: { capacity: number; leaseSeconds: number; worker: number },
): Promise<Item[]> {
  const limited = [...functions.values()].filter(({ concurrency }) => concurrency !== undefined);
  await sql`select pg_advisory_xact_lock(${CLAIMING})`;
  const rows = await sql<ItemRow[]>`
    with limits as (
      select * from unnest(${limited.map(({ id }) => id)}::text[], ${limited.map(({ concurrency }) => concurrency?.limit ?? 0)}::int[],
        ${limited.map(({ concurrency }) => concurrency?.total ?? null)}::int[]) as t(function_id, most, total)
    ), busy as (
      select function_id, concurrency_key, count(*) as leased from runtime_queue
      where lease is not null and locked_until >= clock_timestamp() and concurrency_key is not null group by 1, 2
    ), busy_together as (
      select function_id, sum(leased) as leased from busy group by 1
    ), due as (
      select q.controller_id, q.id, q.run_at, q.function_id, q.concurrency_key, l.most, l.total, coalesce(b.leased, 0) as leased,
        coalesce(t.leased, 0) as leased_together
      from runtime_queue q
      left join limits l on l.function_id = q.function_id
      left join busy b on b.function_id = q.function_id and b.concurrency_key = q.concurrency_key
      left join busy_together t on t.function_id = q.function_id
      -- The clock, not now(): this transaction may have begun before the one that queued the item.
      where q.run_at <= clock_timestamp() and (q.lease is null or q.locked_until < clock_timestamp())
        and q.function_id = any(${[...functions.keys()]}::text[]) and (l.most is null or coalesce(b.leased, 0) < l.most)
        and (l.total is null or coalesce(t.leased, 0) < l.total)
      order by q.run_at, q.id limit ${WINDOW}
    ), placed as (
      select *, row_number() over (partition by function_id, concurrency_key order by run_at, id) as place from due
    ), fitting as (
      select *, row_number() over (partition by function_id order by run_at, id) as place_together from placed
      where most is null or place + leased <= most
    ), chosen as (
      select controller_id, id from fitting where total is null or place_together + leased_together <= total
      order by run_at, id limit ${options.capacity}
    ), taken as (
      update runtime_queue q set lease = ${uuid()}, locked_until = now() + make_interval(secs => ${options.leaseSeconds}), worker = ${options.worker}
      from chosen c
      where q.controller_id = c.controller_id and q.id = c.id
      returning q.*
    )
    select t.controller_id as "controllerId", t.id, t.run_id as "runId", t.function_id as "functionId", t.kind, t.step_id as "stepId",
      t.attempt, t.lease, r.events, r.planning, (
        select json_agg(json_build_object('id', s.id, 'result', s.result) order by s.position)
        from runtime_step s where s.controller_id = t.controller_id and s.run_id = t.run_id and s.position is not null) as steps
    from taken t join runtime_run r on r.controller_id = t.controller_id and r.id = t.run_id`;
  return rows.map((row) => ({ ...row, steps: row.steps ?? [] }));
}

/** When the next item is due, in milliseconds from now; undefined if nothing waits. */
export async function nextDue({ sql }: Transaction): Promise<number | undefined> {
  const [row] = await sql<{ wait: string | null }[]>`
    select extract(epoch from min(case when lease is null then run_at else locked_until end) - now()) * 1000 as wait from runtime_queue`;
  return row?.wait === null || row?.wait === undefined ? undefined : Math.max(0, Number(row.wait));
}

/** Keeps what is being worked on ours. */
export async function extendLeases(
  { sql }: Transaction,
  items: readonly Item[],
  leaseSeconds: number,
): Promise<void> {
  await sql`update runtime_queue q set locked_until = now() + make_interval(secs => ${leaseSeconds})
    from unnest(${items.map(({ controllerId }) => controllerId)}::uuid[], ${items.map(({ id }) => id)}::uuid[], ${items.map(({ lease }) => lease)}::uuid[]) as i(controller_id, id, lease)
    where q.controller_id = i.controller_id and q.id = i.id and q.lease = i.lease`;
}

/** Hands items back, to be taken by somebody else at once. */
export async function releaseItems({ sql }: Transaction, items: readonly Item[]): Promise<void> {
  await sql`update runtime_queue q set lease = null, locked_until = null, worker = null
    from unnest(${items.map(({ controllerId }) => controllerId)}::uuid[], ${items.map(({ id }) => id)}::uuid[], ${items.map(({ lease }) => lease)}::uuid[]) as i(controller_id, id, lease)
    where q.controller_id = i.controller_id and q.id = i.id and q.lease = i.lease`;
}

/** Locks the item's run and tells whether the item is still ours; without that nothing of its outcome may be written. */
export async function stillOurs(tx: Transaction, item: Item): Promise<boolean> {
  const running = await lockRun(tx, item);
  const [row] =
    await tx.sql`select from runtime_queue where controller_id = ${item.controllerId} and id = ${item.id} and lease = ${item.lease} for update`;
  return running && row !== undefined;
}

export async function retryItem(
  { sql }: Transaction,
  item: Item,
  next: { attempt: number; milliseconds: number },
): Promise<void> {
  await sql`update runtime_queue set attempt = ${next.attempt}, lease = null, locked_until = null, worker = null,
    run_at = now() + make_interval(secs => ${next.milliseconds / 1000})
    where controller_id = ${item.controllerId} and id = ${item.id}`;
}

export async function removeItem(
  { sql }: Transaction,
  item: { controllerId: ControllerId; id: string },
): Promise<void> {
  await sql`delete from runtime_queue where controller_id = ${item.controllerId} and id = ${item.id}`;
}
