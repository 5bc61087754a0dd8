import { appendEvents } from "#audit";
import type { ControllerTransaction } from "#database";
import type { RightsStatus, Sealed } from "#schemas";
import { noteBody } from "./note.ts";
import type { RightsRequest } from "./request.ts";
import { checkMove, isClosed } from "./states.ts";

/** Who moved a request and why. */
export interface Decision {
  /** `hub`, `operator`, `person` or `platform:<connector>`. */
  readonly actor: string;
  /** A word of the vocabulary, such as a reason of denial. */
  readonly reason?: string | undefined;
  readonly note?: Sealed<string> | undefined;
}

/**
 * Moves a locked request, with its audit event, in the transaction of whatever goes with it. Throws `rights/illegal-move`.
 */
export async function moveRequest(
  tx: ControllerTransaction,
  request: RightsRequest,
  to: RightsStatus,
  decision: Decision,
): Promise<void> {
  checkMove(request.status, to);
  await noteMove(tx, request, request.status, to, decision);
  await tx.sql`update rights_request set status = ${to}, announced_at = now(),
      closed_at = case when ${isClosed(to)} then now() end
    where controller_id = ${tx.controllerId} and id = ${request.id}`;
}

/** Writes down a move; `from` is null for the first. */
export async function noteMove(
  tx: ControllerTransaction,
  request: Pick<RightsRequest, "id" | "kind" | "scope">,
  from: RightsStatus | null,
  to: RightsStatus,
  { actor, reason, note }: Decision,
): Promise<void> {
  const { sql, controllerId } = tx;
  await sql`insert into rights_move (controller_id, request_id, position, from_status, to_status, actor, reason, note)
    select ${controllerId}, ${request.id}, coalesce(max(position) + 1, 0), ${from}, ${to}, ${actor}, ${reason ?? null}, ${note ?? null}
    from rights_move where controller_id = ${controllerId} and request_id = ${request.id}`;
  await noteAct(tx, request, `rights.${to}`, { actor, reason, note }, { ...(from !== null && { from }) });
}

/**
 * An event of a request's own chain. It never names the subject: after an erasure nothing in the log shall lead from the request
 * to what the person's records were.
 */
export async function noteAct(
  tx: ControllerTransaction,
  { id, kind, scope }: Pick<RightsRequest, "id" | "kind" | "scope">,
  type: `rights.${string}`,
  { actor, reason, note }: Decision,
  facts: Readonly<Record<string, string | number | boolean | null>> = {},
): Promise<void> {
  await appendEvents(tx, [
    {
      ...{ workflow: id, type, entity: `rights:${id}`, actor, body: noteBody(note) },
      facts: { kind, scope, ...(reason === undefined ? {} : { reason }), ...facts },
    },
  ]);
}
