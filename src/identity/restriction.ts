import type { ControllerTransaction } from "#database";
import type { RightsRequestId, SubjectId } from "#schemas";

/**
 * From now on the person's data is only kept (`restriction`, GDPR Art. 18), or no longer used for what they may object to
 * (`objection`, Art. 21). Until {@link liftRestriction}, by the request that set it.
 */
export async function restrictSubject(
  { sql, controllerId }: ControllerTransaction,
  subject: SubjectId,
  restriction: "restriction" | "objection",
  by: RightsRequestId,
): Promise<void> {
  // A restriction is more than an objection, and stays.
  await sql`update subject set restricted_at = now(), restriction = ${restriction}, restricted_by = ${by}
    where controller_id = ${controllerId} and id = ${subject} and restriction is distinct from 'restriction'`;
}

export async function liftRestriction(
  { sql, controllerId }: ControllerTransaction,
  by: RightsRequestId,
): Promise<boolean> {
  const { count } =
    await sql`update subject set restricted_at = null, restriction = null, restricted_by = null
    where controller_id = ${controllerId} and restricted_by = ${by}`;
  return count > 0;
}

/** Which of these subjects may not be processed. */
export async function restrictedAmong(
  { sql, controllerId }: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<ReadonlySet<SubjectId>> {
  const rows = await sql<{ id: SubjectId }[]>`
    select s.id from unnest(${[...new Set(subjects)]}::uuid[]) as wanted(id) cross join lateral (
      select id from subject where controller_id = ${controllerId} and id = wanted.id and restriction = 'restriction' offset 0) as s`;
  return new Set(rows.map(({ id }) => id));
}
