import type { Transaction } from "#database";

/** Days that finished runs are kept. Failed ones stay for the operator. */
const KEEP_RUNS_DAYS = 7;
/** Hours in which an event sent again under the same id is recognised, as on an Inngest server. */
const KEEP_EVENTS_HOURS = 24;
const BATCH = 5_000;

/** Removes runs and events whose time is over. */
export async function removeOld({ sql }: Transaction): Promise<void> {
  await sql`
    with old as (
      select controller_id, id from runtime_run
      where status in ('completed', 'cancelled') and finished_at < now() - make_interval(days => ${KEEP_RUNS_DAYS}) limit ${BATCH}
    ), steps as (
      delete from runtime_step s using old where s.controller_id = old.controller_id and s.run_id = old.id
    )
    delete from runtime_run r using old where r.controller_id = old.controller_id and r.id = old.id`;
  await sql`delete from runtime_event where dispatched_at < now() - make_interval(hours => ${KEEP_EVENTS_HOURS})`;
  await sql`delete from runtime_wait where expires_at < now() - interval '1 hour' and step_id like 'cancel:%'`;
}
