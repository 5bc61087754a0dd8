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
 * where a platform asks, by the subject. A platform's word counts for a request of its own; it does not verify anybody else's.
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
  { source, kind, scope, subjectId }: NewRequest,
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
    select id from rights_request where controller_id = ${controllerId} and subject_id = ${subjectId} and kind = ${kind} and source = 'platform'
      and closed_at is null limit 1 for update`;
  return row?.id;
}
