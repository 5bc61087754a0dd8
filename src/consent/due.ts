import type { ControllerTransaction } from "#database";
import type { ConsentChange } from "./ledger.ts";

/**
 * Notes that changes are to be planned, in the transaction that makes them: should the event that says so be lost, this is left.
 * In one order, here and in {@link endDue}: two transactions that have several changes in common would wait for each other.
 */
export async function noteDue(
  { sql, controllerId }: ControllerTransaction,
  changes: readonly ConsentChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await sql`insert into consent_due (controller_id, subject_id, purpose)
    select distinct ${controllerId}::uuid, subject, purpose
    from unnest(${changes.map(({ subjectId }) => subjectId)}::uuid[], ${changes.map(({ purpose }) => purpose)}::text[]) as t(subject, purpose)
    order by subject, purpose
    on conflict do nothing`;
}

/** They are planned now. */
export async function endDue(
  { sql, controllerId }: ControllerTransaction,
  changes: readonly ConsentChange[],
): Promise<void> {
  await sql`delete from consent_due d using (
      select subject_id, purpose from consent_due
      where controller_id = ${controllerId} and (subject_id, purpose) in (
        select * from unnest(${changes.map(({ subjectId }) => subjectId)}::uuid[], ${changes.map(({ purpose }) => purpose)}::text[]))
      order by subject_id, purpose for update) as ended
    where d.controller_id = ${controllerId} and d.subject_id = ended.subject_id and d.purpose = ended.purpose`;
}

/** Changes that should have been planned long ago. */
export async function forgottenChanges(
  { sql, controllerId }: ControllerTransaction,
  limit: number,
): Promise<ConsentChange[]> {
  return sql<ConsentChange[]>`
    update consent_due d set since = now() from (
      select subject_id, purpose from consent_due where controller_id = ${controllerId} and since < now() - interval '10 minutes'
      order by since limit ${limit} for update skip locked) as old
    where d.controller_id = ${controllerId} and d.subject_id = old.subject_id and d.purpose = old.purpose
    returning d.subject_id as "subjectId", d.purpose`;
}
