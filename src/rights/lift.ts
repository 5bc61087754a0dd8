import type { ControllerTransaction } from "#database";
import { liftRestriction, restrictSubject } from "#identity";
import type { RightsRequestId } from "#schemas";
import { type Decision, noteAct } from "./move.ts";
import type { RightsRequest } from "./request.ts";

/**
 * Ends what a request restricts; false if it restricts nothing (any more). Of a person's requests one is in effect, the strictest:
 * when it ends, the next one that stands takes its place.
 */
export async function liftRequest(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: Decision,
): Promise<boolean> {
  const { sql, controllerId } = tx;
  const { count } = await sql`update rights_request r set lifted_at = now()
    where r.controller_id = ${controllerId} and r.id = ${request.id} and r.subject_id is not null and ${stands(tx)}`;
  if (count === 0) return false;
  await noteAct(tx, request, "rights.lifted", by);
  if (!(await liftRestriction(tx, request.id)) || request.subjectId === null) return true;
  const [next] = await sql<{ id: RightsRequestId; kind: "restriction" | "objection" }[]>`
    select r.id, r.kind from rights_request r join subject s on s.controller_id = r.controller_id and s.id = r.subject_id
    where r.controller_id = ${controllerId} and (s.id = ${request.subjectId} or s.merged_into = ${request.subjectId}) and ${stands(tx)}
    order by r.kind = 'restriction' desc, r.received_at limit 1`;
  if (next !== undefined) await restrictSubject(tx, request.subjectId, next.kind, next.id);
  return true;
}

const stands = ({ sql }: ControllerTransaction) =>
  sql`r.kind in ('restriction', 'objection') and r.lifted_at is null
    and r.status in ('fulfilling', 'fulfilled', 'partly_fulfilled')`;
