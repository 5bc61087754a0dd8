import type { ControllerTransaction } from "#database";
import type { Leaving } from "#identity";

/** Of people who are erased: nothing is to be brought anywhere any more, and the ledger is nobody's in particular. */
export async function forgetConsent(
  { sql, controllerId }: ControllerTransaction,
  { family, heir }: Leaving,
): Promise<void> {
  const ids = [...family];
  // In the order of all who take both.
  await sql`delete from consent_due where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[])`;
  await sql`delete from consent_contact where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[])`;
  // To the day only: the time would tell of which request it was.
  await sql`update consent_push set status = 'void', settled_at = date_trunc('day', now())
    where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[]) and status = 'open'`;
  await sql`update consent_push set subject_id = ${heir} where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[])`;
  // What an operator, or a site, keeps as evidence names the person: a request, a ticket.
  await sql`update consent_record set subject_id = ${heir}, evidence = case when source = 'platform' then evidence end where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[])`;
}
