import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import {
  type ConnectionId,
  type DeliveryId,
  type RightsKind,
  type RightsRegime,
  RightsRequestId,
  type RightsSource,
  type SubjectId,
} from "#schemas";
import type { ControllerKeys } from "#vault";
import { setDeadlines, type Watch } from "./deadlines.ts";
import { contactHash, type Details, sealDetails } from "./details.ts";
import { rightsErrors } from "./errors.ts";
import { noteAct, noteMove } from "./move.ts";
import { findRequest } from "./request.ts";

export interface NewRequest {
  readonly source: RightsSource;
  /** `operator`, `person` or `platform:<connector>`. */
  readonly actor: string;
  readonly kind: RightsKind;
  readonly scope: "subject" | "account";
  readonly regime: RightsRegime;
  readonly subjectId: SubjectId | null;
  /** The connection that it came through, and the delivery. */
  readonly connectionId: ConnectionId | null;
  readonly delivery: { readonly id: DeliveryId; readonly ordinal: number } | null;
  readonly details: Details;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly platformDays: number | null;
}

/** A request, and what is to be announced of it. */
export interface Opened {
  readonly id: RightsRequestId;
  /** One that is in progress already: this one is part of it, and verified by no more than that. */
  readonly joined: boolean;
  readonly watch: Watch | undefined;
}

/**
 * Records a request as received. One for the same right of the same person that is in progress is joined: by the address, or,
 * where a platform asks, by the subject, as long as nothing is over at that platform: what it asks for after that is new. A
 * platform's word counts for a request of its own; it does not verify anybody else's.
 */
export async function openRequest(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  given: NewRequest,
): Promise<Opened> {
  if (Date.parse(given.receivedAt) > Date.now()) throw rightsErrors.inFuture();
  const { sql, controllerId } = tx;
  const contact = contactOf(keys, given);
  const joined = await inProgress(tx, given, contact);
  if (joined !== undefined) {
    await noteAct(tx, { ...given, id: joined }, "rights.joined", { actor: given.actor });
    return { id: joined, joined: true, watch: undefined };
  }
  const id = RightsRequestId.parse(uuid());
  const { source, kind, scope, regime, subjectId, connectionId, delivery, receivedAt, platformDays } = given;
  await sql`insert into rights_request (controller_id, id, source, delivery_id, ordinal, connection_id, kind, scope, regime, subject_id, details, contact,
      received_at, platform_days)
    values (${controllerId}, ${id}, ${source}, ${delivery?.id ?? null}, ${delivery?.ordinal ?? null}, ${connectionId}, ${kind}, ${scope}, ${regime}, ${subjectId},
      ${sealDetails(keys, controllerId, id, given.details)}, ${contact}, ${receivedAt}, ${platformDays})`;
  await noteMove(tx, { id, kind, scope }, null, "received", { actor: given.actor, reason: regime });
  const request = await findRequest(tx, id);
  return { id, joined: false, watch: request && (await setDeadlines(tx, request)) };
}

/** Two corrections are two requests: the second may say something else. */
function contactOf(keys: ControllerKeys, { source, kind, details }: NewRequest): Uint8Array | null {
  const [email] = details.emails;
  if (source === "platform" || kind === "rectification" || email === undefined) return null;
  return contactHash(keys, email) ?? null;
}

async function inProgress(
  { sql, controllerId }: ControllerTransaction,
  { source, kind, scope, subjectId, connectionId }: NewRequest,
  contact: Uint8Array | null,
): Promise<RightsRequestId | undefined> {
  // Whoever comes second waits here for whoever is first, and then sees what they did.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`lethe:rights:${controllerId}`}, 0))`;
  if (contact !== null) {
    const [row] = await sql<{ id: RightsRequestId }[]>`
      select id from rights_request where controller_id = ${controllerId} and contact = ${contact} and kind = ${kind} and closed_at is null
      for update`;
    return row?.id;
  }
  if (source !== "platform" || scope !== "subject" || subjectId === null) return undefined;
  const [row] = await sql<{ id: RightsRequestId }[]>`
    select r.id from rights_request r join subject s on s.controller_id = r.controller_id and s.id = r.subject_id
    where r.controller_id = ${controllerId} and r.kind = ${kind} and r.source = 'platform' and r.scope = 'subject' and r.closed_at is null
      and coalesce(s.merged_into, s.id) = (select coalesce(merged_into, id) from subject where controller_id = ${controllerId} and id = ${subjectId})
      and not exists (select from rights_task t where t.controller_id = r.controller_id and t.request_id = r.id
        and t.connection_id = ${connectionId} and (t.status not in ('open', 'asked', 'manual', 'failed') or t.reason = 'given_up'))
    order by r.received_at desc, r.id limit 1 for update of r`;
  return row?.id;
}
