import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import type { RightsNotice, RightsRequestId } from "#schemas";
import { noteAct } from "./move.ts";
import type { RightsRequest } from "./request.ts";

/** Somebody to be told, by a run of its own. */
export interface PlannedNotice {
  readonly requestId: RightsRequestId;
  readonly noticeId: string;
}

export interface Notice {
  readonly id: string;
  readonly notice: RightsNotice;
  readonly challengeId: string | null;
  readonly status: "open" | "sent" | "failed" | "nobody";
  readonly errorCode: string | null;
  readonly createdAt: string;
  readonly settledAt: string | null;
}

export async function planNotice(
  { sql, controllerId }: ControllerTransaction,
  requestId: RightsRequestId,
  notice: RightsNotice,
  challengeId: string | null = null,
): Promise<PlannedNotice> {
  const noticeId = uuid();
  await sql`insert into rights_notice (controller_id, id, request_id, notice, challenge_id)
    values (${controllerId}, ${noticeId}, ${requestId}, ${notice}, ${challengeId})`;
  return { requestId, noticeId };
}

export async function noticesOf(
  { sql, controllerId }: ControllerTransaction,
  requests: readonly string[],
): Promise<(Notice & { readonly requestId: RightsRequestId })[]> {
  const rows = await sql<(Notice & { requestId: RightsRequestId })[]>`
    select id, request_id as "requestId", notice, challenge_id as "challengeId", status, error_code as "errorCode", created_at as "createdAt", settled_at as "settledAt"
    from rights_notice where controller_id = ${controllerId} and request_id = any(${[...requests]}::uuid[]) order by created_at, id`;
  return rows.map((row) => ({
    ...row,
    createdAt: new Date(row.createdAt).toISOString(),
    settledAt: row.settledAt === null ? null : new Date(row.settledAt).toISOString(),
  }));
}

export async function openNotice(
  { sql, controllerId }: ControllerTransaction,
  id: string,
): Promise<Notice | undefined> {
  const [row] = await sql<Notice[]>`
    select id, notice, challenge_id as "challengeId", status, error_code as "errorCode", created_at as "createdAt", settled_at as "settledAt"
    from rights_notice where controller_id = ${controllerId} and id = ${id} and status = 'open'`;
  return row;
}

/** They were told, or could not be. Whoever was told of a request knows that it arrived. */
export async function settleNotice(
  tx: ControllerTransaction,
  request: RightsRequest,
  { id, notice }: Notice,
  outcome: { readonly status: "sent" | "failed" | "nobody"; readonly error?: string },
): Promise<void> {
  const { sql, controllerId } = tx;
  const { count } =
    await sql`update rights_notice set status = ${outcome.status}, error_code = ${outcome.error ?? null}, settled_at = now()
    where controller_id = ${controllerId} and id = ${id} and status = 'open'`;
  if (count === 0) return;
  if (outcome.status === "sent" && notice === "verify")
    await sql`update rights_request set acknowledged_at = coalesce(acknowledged_at, now()) where controller_id = ${controllerId} and id = ${request.id}`;
  await noteAct(
    tx,
    request,
    "rights.told",
    { actor: "hub" },
    { notice, outcome: outcome.status, ...(outcome.error !== undefined && { error: outcome.error }) },
  );
}
