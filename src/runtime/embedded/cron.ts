import { Cron } from "croner";
import { v4 as uuid } from "uuid";
import type { Transaction } from "#database";
import { HUB } from "#schemas";
import type { Functions } from "./events.ts";
import { createRuns } from "./runs.ts";

/** Notes when each cron function runs next, keeping the time of those that were known with the same schedule. */
export async function scheduleCrons({ sql }: Transaction, functions: Functions): Promise<void> {
  for (const { id, cron } of functions.values()) {
    for (const schedule of cron) {
      await sql`insert into runtime_cron (controller_id, function_id, schedule, next_at) values (${HUB}, ${id}, ${schedule}, ${next(schedule)})
        on conflict (controller_id, function_id) do update set schedule = excluded.schedule, next_at = excluded.next_at
        where runtime_cron.schedule <> excluded.schedule`;
    }
  }
}

/** Starts the cron functions that are due, once among all processes. A time missed while nobody ran is made up for once. */
export async function startDueCrons(tx: Transaction, functions: Functions): Promise<number> {
  const due = await tx.sql<{ functionId: string; schedule: string }[]>`
    select function_id as "functionId", schedule from runtime_cron where next_at <= now()
      and function_id = any(${[...functions.keys()]}::text[]) for update skip locked`;
  for (const { functionId, schedule } of due) {
    const spec = functions.get(functionId);
    if (spec === undefined) continue;
    const event = { id: uuid(), name: "inngest/scheduled.timer", data: { cron: schedule }, ts: Date.now() };
    await createRuns(tx, [{ spec, events: [event] }]);
    await tx.sql`update runtime_cron set next_at = ${next(schedule)} where controller_id = ${HUB} and function_id = ${functionId}`;
  }
  return due.length;
}

function next(schedule: string): string {
  return (new Cron(schedule, { timezone: "UTC" }).nextRun() ?? new Date(8.64e15)).toISOString();
}
