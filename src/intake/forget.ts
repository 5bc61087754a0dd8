import type { ControllerTransaction } from "#database";
import type { SubjectId } from "#schemas";

/**
 * Of deliveries about people who are erased: what tells them from others is, at some platforms, made of who the person is, and
 * so is the body. Nothing computes either any more. Should one come again, its people are recognised, and not recorded.
 */
export async function forgetDeliveries(
  { sql, controllerId }: ControllerTransaction,
  { family }: { family: readonly SubjectId[] },
): Promise<void> {
  const ids = [...family];
  await sql`update delivery set dedupe = uuid_send(gen_random_uuid()), body_mac = null where controller_id = ${controllerId} and id in (
    select delivery_id from processing_activity where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[])
    union select workflow_id from consent_record where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[]))`;
}
