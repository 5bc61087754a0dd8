import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { type ExpressedChoice, keepContacts, newsOf, recordChoices } from "#consent";
import type { ControllerTransaction } from "#database";
import { addressesOf, type Claim, claimOf, findByClaim, linkClaims, subjectById } from "#identity";
import type { SubjectRecord } from "#kit";
import { type ConnectionId, LetheError } from "#schemas";
import type { ControllerKeys } from "#vault";
import { announceChanges } from "./propagate-consent.ts";

/** Whom a browser's signals are about: by one thing only, so that nobody can tie two people together. */
export interface SignalledPerson {
  readonly person: SubjectRecord;
  /** The connection whose platform knows the person by the id; null for an address. */
  readonly connectionId: ConnectionId | null;
  /** The controller's own site says that it is them. */
  readonly vouched: boolean;
}

/**
 * Records what a browser said, with everything that follows from it, in the caller's transaction. Nobody becomes known by
 * what anybody may send: without a token it counts for those whom the controller knows. Throws `signals/unknown-connection`.
 */
export async function recordSignals(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  { person, connectionId, vouched }: SignalledPerson,
  choices: readonly ExpressedChoice[],
): Promise<void> {
  if (connectionId !== null && !(await isConnection(tx, connectionId))) throw unknownConnection();
  const claim = claimOf(keys, { workflowId: uuid(), connectionId, region: null }, person);
  const known = await findByClaim(tx, claim);
  const found = known === undefined ? undefined : await subjectById(tx, known);
  const subject = found ?? (vouched ? await makeKnown(tx, keys, claim) : undefined);
  if (subject === undefined) return;
  // Before the lock that recording takes: most pages have nothing new to say.
  const news = await newsOf(tx, subject.id, choices);
  if (news.length === 0) return;
  const { changes } = await recordChoices(tx, subject, "browser", news);
  await announceChanges(tx, changes);
  const { id, sealedKey } = subject;
  if (changes.length > 0)
    await keepContacts(tx, keys, [{ ...addressesOf(person, null), subject: { id, sealedKey } }]);
}

async function makeKnown(tx: ControllerTransaction, keys: ControllerKeys, claim: Claim) {
  const { subjects, events } = await linkClaims(tx, keys, [claim]);
  await appendEvents(tx, events);
  const linked = subjects.get(claim);
  return linked && { ...linked, id: linked.subjectId };
}

async function isConnection(
  { sql, controllerId }: ControllerTransaction,
  id: ConnectionId,
): Promise<boolean> {
  const rows = await sql`select from connection where controller_id = ${controllerId} and id = ${id}`;
  return rows.length > 0;
}

const unknownConnection = () =>
  new LetheError("signals/unknown-connection", "the controller has no such connection", { status: 400 });
