import { v4 as uuid } from "uuid";
import { forgetActivities } from "#activities";
import { appendEvents } from "#audit";
import { forgetConsent } from "#consent";
import type { ControllerTransaction } from "#database";
import {
  beginErasure,
  endErasure,
  forgetConnection,
  type Identifier,
  lockController,
  onlyKnownThrough,
  raiseTombstones,
} from "#identity";
import { forgetDeliveries } from "#intake";
import {
  areHeld,
  claimFrom,
  type Details,
  forgetHolds,
  forgetRequests,
  heldThrough,
  type RightsRequest,
} from "#rights";
import type { SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";

/**
 * Makes the hub's own records nobody's: the person's key is destroyed with all that was sealed under it, what they were known
 * by is replaced by tombstones, and the records go to an id from which nothing leads back. The log keeps all of its
 * entries: whom they were about was a hash under that key. False, with nothing changed, if a legal hold stands.
 */
export async function eraseHere(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
  details: Details | undefined,
): Promise<boolean> {
  // What the request itself named is recognised later, too, even if the hub never heard of it.
  const named = details === undefined ? undefined : claimFrom(keys, request, details);
  const known = request.subjectId === null ? [] : await forgetSubject(tx, request.subjectId);
  if (known === "held") return false;
  await raiseTombstones(tx, keys, [...known, ...(named?.strong ?? []), ...(named?.weak ?? [])]);
  return true;
}

/** People to erase in one transaction. */
const BATCH = 50;

/**
 * The end of a whole account, such as a shop that took the app away: everybody who is known through it and nothing else is
 * erased, and of the others what it knew them by. No tombstones, because nobody asked not to be known again.
 * Who is on legal hold stays, and the connection's own traces with them, until it is released. Returns whether there are more.
 */
export async function eraseAccount(
  tx: ControllerTransaction,
  { connectionId }: RightsRequest,
): Promise<boolean> {
  if (connectionId === null) return false;
  // Before it is looked who is held: a hold is placed under the same lock.
  await lockController(tx);
  const held = await heldThrough(tx, connectionId);
  const subjects = await onlyKnownThrough(tx, connectionId, { except: held, limit: BATCH });
  for (const subject of subjects) await forgetSubject(tx, subject);
  if (subjects.length === BATCH) return true;
  if (held.length > 0) return false;
  await forgetConnection(tx, connectionId);
  const { sql, controllerId } = tx;
  await sql`update connection set status = 'uninstalled', credentials = null, revision = revision + 1
    where controller_id = ${controllerId} and id = ${connectionId}`;
  return false;
}

/** Returns what the person was known by; `held` if a legal hold keeps them: whoever looked before may have looked too early. */
async function forgetSubject(
  tx: ControllerTransaction,
  subject: SubjectId,
): Promise<readonly Identifier[] | "held"> {
  const leaving = await beginErasure(tx, subject);
  if (leaving === undefined) return [];
  if (await areHeld(tx, leaving.family)) return "held";
  // First, while it still shows which are theirs.
  await forgetDeliveries(tx, leaving);
  await forgetActivities(tx, leaving);
  await forgetConsent(tx, leaving);
  await forgetRequests(tx, leaving);
  await forgetHolds(tx, leaving);
  const known = await endErasure(tx, leaving);
  // In a chain of its own, and about nobody: from the request nothing in the log shall lead to what the person's records were.
  await appendEvents(tx, [
    {
      workflow: uuid(),
      type: "subject.erased",
      entity: "subject",
      actor: "hub",
      facts: { identifiers: known.length },
    },
  ]);
  return known;
}
