import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import type { ConnectionId, DeliveryId, Personal, RightsKind, RightsRequestView, SubjectId } from "#schemas";
import { type ControllerKeys, seal } from "#vault";

/** A rights request that arrived by webhook, to be recorded as received. */
export interface NewRightsRequest {
  readonly deliveryId: DeliveryId;
  readonly ordinal: number;
  readonly kind: RightsKind;
  readonly scope: "subject" | "account";
  readonly subjectId: SubjectId | null;
  readonly connectionId: ConnectionId;
  /** What fulfilment will need; sealed, because the delivery's own payload is shredded once processed. */
  readonly details: Personal;
  /** ISO 8601: the clock starts at receipt. */
  readonly receivedAt: string;
  readonly dueInDays: number;
}

export interface RecordedRequest extends NewRightsRequest {
  readonly id: string;
}

const DAY = 86_400_000;

export async function recordRightsRequests(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  requests: readonly NewRightsRequest[],
): Promise<RecordedRequest[]> {
  const recorded = requests.map((request) => ({ ...request, id: uuid() }));
  for (const request of recorded) {
    const details = seal(
      keys.current("seal"),
      { purpose: "rights-request", controllerId, recordId: request.id },
      Buffer.from(request.details.reveal(), "utf8"),
    );
    const dueAt = new Date(Date.parse(request.receivedAt) + request.dueInDays * DAY).toISOString();
    await sql`insert into rights_request (controller_id, delivery_id, ordinal, id, kind, scope, subject_id, connection_id, details, received_at, due_at)
      values (${controllerId}, ${request.deliveryId}, ${request.ordinal}, ${request.id}, ${request.kind}, ${request.scope},
        ${request.subjectId}, ${request.connectionId}, ${details}, ${request.receivedAt}, ${dueAt})`;
  }
  return recorded;
}

/** Requests, the most urgent first. */
export async function listRightsRequests(
  { sql, controllerId }: ControllerTransaction,
  options: { limit: number },
): Promise<RightsRequestView[]> {
  const rows = await sql<Omit<RightsRequestView, "controller">[]>`
    select r.id, r.kind, r.scope, coalesce(s.merged_into, s.id) as subject, r.connection_id as connection, r.status,
      r.received_at as "receivedAt", r.due_at as "dueAt"
    from rights_request r left join subject s on s.controller_id = r.controller_id and s.id = r.subject_id
    where r.controller_id = ${controllerId} order by r.due_at, r.id limit ${options.limit}`;
  return rows.map((row) => ({
    ...row,
    controller: controllerId,
    receivedAt: new Date(row.receivedAt).toISOString(),
    dueAt: new Date(row.dueAt).toISOString(),
  }));
}
