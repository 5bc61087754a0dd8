import { eventType, type Inngest } from "inngest";
import { appendEvents } from "#audit";
import { type ExpressedChoice, keepContacts, listPurposes, recordChoices } from "#consent";
import type { ControllerTransaction } from "#database";
import { addressesOf, linkClaims, restrictSubject, subjectById } from "#identity";
import {
  allSettled,
  byConsent,
  claimFrom,
  moveRequest,
  openDetails,
  personOf,
  planTasks,
  type RightsRequest,
  stoppedBy,
  subjectOf,
} from "#rights";
import { type EventData, events, type Purpose } from "#schemas";
import type { ControllerKeys } from "#vault";
import type { WorkflowRooms } from "./index.ts";
import { announceChanges } from "./propagate-consent.ts";
import { announceSettled, announceTasks, lockToErase, noteSubject } from "./rights-moves.ts";

const approved = eventType("rights/approved", { schema: events["rights/approved"] });

/** A request that was approved: which platforms it concerns, each a run of its own (`carry-out-rights-task`). */
export function fulfilRightsRequest(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "fulfil-rights-request",
      name: "Fulfil a rights request",
      triggers: [approved],
      // Nothing here fails but for the database being away.
      retries: 20,
    },
    async ({ event, step }) => {
      await step.run("plan", () => plan(rooms, event.data));
    },
  );
}

async function plan(
  { database, ring, connectors, committed }: WorkflowRooms,
  { controllerId, requestId }: EventData<"rights/approved">,
): Promise<void> {
  const keys = await ring.keys(controllerId);
  await database.inController(controllerId, async (tx) => {
    const found = await lockToErase(tx, requestId);
    if (found?.status !== "approved") return;
    // Somebody may have become known between verification and now.
    const known = found.subjectId ?? (await subjectOf(tx, keys, found));
    const subjectId = known ?? (await makeKnown(tx, keys, found));
    const request = { ...found, subjectId };
    await noteSubject(tx, request);
    await moveRequest(tx, request, "fulfilling", { actor: "hub" });
    const own = (await listPurposes(tx)).flatMap((purpose) => (purpose.own ? [purpose.id] : []));
    const stopped = stoppedBy(request.kind, own);
    if (stopped.length > 0) await stop(tx, keys, request, stopped);
    // Until they are erased nothing more is recorded of them, nor brought to a platform that has forgotten them.
    if (request.kind === "erasure" && subjectId !== null)
      await restrictSubject(tx, subjectId, "restriction", request.id);
    await announceTasks(tx, await planTasks(tx, connectors, request, stopped));
    if (await allSettled(tx, requestId)) await announceSettled(tx, requestId);
  });
  committed();
}

/**
 * Whoever proved to have an address and does not want something is known by it from now on, so that it counts when a platform
 * speaks of them. Nobody becomes known by what anybody may send without proof.
 */
async function makeKnown(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
): Promise<RightsRequest["subjectId"]> {
  if (!byConsent(request.kind) || request.verification === "not_required") return null;
  const details = await openDetails(tx, keys, request.id);
  if (details === undefined) return null;
  const claim = claimFrom(keys, request, details);
  const { subjects, events: linked } = await linkClaims(tx, keys, [claim]);
  await appendEvents(tx, linked);
  return subjects.get(claim)?.subjectId ?? null;
}

/** What the person no longer wants goes into the ledger, from which platforms are brought in step. */
async function stop(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
  stopped: readonly Purpose[],
): Promise<void> {
  const { id, kind, subjectId, receivedAt } = request;
  const subject = subjectId === null ? undefined : await subjectById(tx, subjectId);
  if (subject === undefined) return;
  const choices = stopped.map((purpose): ExpressedChoice => {
    const choice = { purpose, state: "withdrawn", method: "in_writing", lawfulBasis: "consent" } as const;
    return { ...choice, jurisdiction: null, evidence: `rights:${id}`, occurredAt: receivedAt };
  });
  const { changes } = await recordChoices(tx, subject, "operator", choices);
  await announceChanges(tx, changes);
  const details = await openDetails(tx, keys, id);
  if (details !== undefined && changes.length > 0)
    await keepContacts(tx, keys, [{ ...addressesOf(personOf(details), details.region), subject }]);
  if (kind === "restriction" || kind === "objection") await restrictSubject(tx, subject.id, kind, id);
}
