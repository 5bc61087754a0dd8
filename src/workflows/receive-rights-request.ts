import { eventType, type Inngest } from "inngest";
import type { ControllerTransaction } from "#database";
import {
  checkHolds,
  lastChallengeEnds,
  lockRequest,
  moveRequest,
  needsVerification,
  openDetails,
  type RightsRequest,
  setDeadlines,
} from "#rights";
import { type EventData, events, LetheError } from "#schemas";
import type { ControllerKeys } from "#vault";
import type { WorkflowRooms } from "./index.ts";
import {
  announceWatch,
  approveRights,
  challenge,
  expireRights,
  mayExpire,
  verifyRights,
} from "./rights-moves.ts";

const requested = eventType("rights/requested", { schema: events["rights/requested"] });

type Target = EventData<"rights/requested">;

/**
 * A rights request that was recorded: a platform's word for its own customer is proof; who comes by themselves gets a
 * message, and time to answer it. What needs nobody's decision is approved at once.
 */
export function receiveRightsRequest(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "receive-rights-request",
      name: "Receive a rights request",
      triggers: [requested],
      // Nothing here fails but for the database being away.
      retries: 20,
    },
    async ({ event, step }) => {
      let until = await step.run("begin", () => begin(rooms, event.data));
      while (until !== null) {
        await step.sleepUntil("until the message runs out", new Date(until));
        until = await step.run("expire", () => expire(rooms, event.data));
      }
    },
  );
}

/** Until when the person may verify, ISO 8601; null where nothing is waited for. */
async function begin(
  { database, ring, committed, rights }: WorkflowRooms,
  target: Target,
): Promise<string | null> {
  const keys = await ring.keys(target.controllerId);
  // Without a mail server somebody has to verify, and nothing runs out.
  const mayWrite = rights.mailer !== undefined;
  const ends = await database.inController(target.controllerId, async (tx) => {
    const request = await lockRequest(tx, target.requestId);
    if (request === undefined) return null;
    if (request.status === "verified" && isAsked(request)) await approve(tx, request);
    if (request.status === "verifying") {
      // Somebody asked once more: the message may be lost.
      if (mayWrite && (await hasAddress(tx, keys, request))) await challenge(tx, request.id);
      return mayExpire(request) ? lastChallengeEnds(tx, request.id) : null;
    }
    if (request.status !== "received") return null;
    if (isAsked(request)) {
      const platform = request.source === "platform";
      const by = { actor: platform ? `platform:${request.connector}` : "hub" };
      await verifyRights(tx, keys, request, platform ? "platform" : "not_required", by);
      await approve(tx, await lockRequest(tx, target.requestId));
      return null;
    }
    await moveRequest(tx, request, "verifying", { actor: "hub" });
    // Where the law lets the clock wait for proof, it has not begun.
    await announceWatch(tx, await setDeadlines(tx, { ...request, status: "verifying" }));
    const ends =
      mayWrite && (await hasAddress(tx, keys, request)) ? await challenge(tx, request.id) : undefined;
    return (mayExpire(request) && ends) || null;
  });
  committed();
  return ends;
}

/** Nobody has to be asked who they are, nor whether it is to be done. */
const isAsked = ({ source, regime, kind }: RightsRequest) =>
  source === "platform" || !needsVerification(regime, kind);

async function hasAddress(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
): Promise<boolean> {
  return ((await openDetails(tx, keys, request.id))?.emails.length ?? 0) > 0;
}

/** What a legal hold keeps waits until it is released. */
async function approve(tx: ControllerTransaction, request: RightsRequest | undefined): Promise<void> {
  if (request === undefined) return;
  try {
    if (request.kind === "erasure") await checkHolds(tx, request.subjectId);
  } catch (error) {
    if (error instanceof LetheError && error.code === "rights/legal-hold") return;
    throw error;
  }
  const reason = request.source === "platform" ? "asked_by_platform" : "nothing_to_decide";
  await approveRights(tx, request, { actor: "hub", reason });
}

async function expire({ database, committed }: WorkflowRooms, target: Target): Promise<string | null> {
  const ends = await database.inController(target.controllerId, (tx) => expireRights(tx, target.requestId));
  committed();
  return ends;
}
