import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { currentChoices, type ExpressedChoice, keepContacts, recordChoices } from "#consent";
import type { ControllerTransaction } from "#database";
import { addressesOf, claimOf, findByClaim, linkClaims } from "#identity";
import type { SubjectRecord } from "#kit";
import { type ConnectionId, LetheError } from "#schemas";
import type { ControllerKeys } from "#vault";
import { announceChanges } from "./propagate-consent.ts";

/** Whom a browser's signals are about: by one thing only, so that nobody can tie two people together. */
export interface SignalledPerson {
  readonly person: SubjectRecord;
  /** The connection whose platform knows the person by the id; null for an address. */
  readonly connectionId: ConnectionId | null;
}

/**
 * Records what a browser said, with everything that follows from it, in the caller's transaction. What holds already is
 * not recorded again, so that a browser may say it with every page. Throws `signals/unknown-connection`.
 */
export async function recordSignals(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  { person, connectionId }: SignalledPerson,
  choices: readonly ExpressedChoice[],
): Promise<void> {
  if (connectionId !== null && !(await isConnection(tx, connectionId))) throw unknownConnection();
  const claim = claimOf(keys, { workflowId: uuid(), connectionId, region: null }, person);
  // Before the lock that linking takes: most pages have nothing new to say.
  const known = await findByClaim(tx, claim);
  const held = known === undefined ? new Map<string, string>() : await currentChoices(tx, known);
  const news = choices.filter(({ purpose, state }) => held.get(purpose) !== state);
  if (news.length === 0) return;
  const { subjects, events } = await linkClaims(tx, keys, [claim]);
  const subject = subjects.get(claim);
  if (subject === undefined) return;
  await appendEvents(tx, events);
  const { subjectId: id, auditReference, sealedKey } = subject;
  const { changes } = await recordChoices(tx, { id, auditReference }, "browser", news);
  if (changes.length > 0)
    await keepContacts(tx, keys, [{ ...addressesOf(person, null), subject: { id, sealedKey } }]);
  await announceChanges(tx, changes);
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
