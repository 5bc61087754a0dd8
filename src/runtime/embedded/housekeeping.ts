import type { Transaction } from "#database";

/** Days that finished runs are kept; failed ones longer, for the operator. */
const KEEP_RUNS_DAYS = 7;
const KEEP_FAILED_DAYS = 90;
/** Hours in which an event sent again under the same id is recognised, as on an Inngest server. */
const KEEP_EVENTS_HOURS = 24;
const BATCH = 5_000;

/** Removes runs and events whose time is over. */
export async function removeOld({ sql }: Transaction): Promise<void> {
  await sql`
    with old as (
      select controller_id, id from runtime_run
      where status <> 'running' and finished_at < now() - make_interval(days => case status when 'failed' then ${KEEP_FAILED_DAYS}::int else ${KEEP_RUNS_DAYS}::int end)
      limit ${BATCH}
    ), steps as (
      delete from runtime_step s using old where s.controller_id = old.controller_id and s.run_id = old.id
    )
    delete from runtime_run r using old where r.controller_id = old.controller_id and r.id = old.id`;
  await sql`delete from runtime_event where dispatched_at < now() - make_interval(hours => ${KEEP_EVENTS_HOURS})`;
  await sql`delete from runtime_wait where expires_at < now() - interval '1 hour' and step_id like 'cancel:%'`;
}
