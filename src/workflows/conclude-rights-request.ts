import { eventType, type Inngest } from "inngest";
import {
  allSettled,
  bundleOf,
  byConsent,
  closeRequest,
  findRequest,
  heldThrough,
  openDetails,
  planTasks,
  saveBundle,
  settleOwnTask,
  shredDetails,
  subjectOf,
} from "#rights";
import { type EventData, events } from "#schemas";
import { eraseAccount, eraseHere } from "./erase-here.ts";
import type { WorkflowRooms } from "./index.ts";
import { makeBundle } from "./rights-bundle.ts";
import { announceTasks, lockToErase, noteSubject, tell } from "./rights-moves.ts";

const settled = eventType("rights/settled", { schema: events["rights/settled"] });

type Target = EventData<"rights/settled">;

/** No platform is left to wait for: the hub does its own part, closes the request, and has the person told. */
export function concludeRightsRequest(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "conclude-rights-request",
      name: "Conclude a rights request",
      triggers: [settled],
      concurrency: { limit: 2 },
      retries: 20,
    },
    async ({ event, step }) => {
      if (!(await step.run("is it time", () => isTime(rooms, event.data)))) return;
      await step.run("collect", () => collect(rooms, event.data));
      while (await step.run("forget an account", () => forgetAccount(rooms, event.data)));
      await step.run("close", () => close(rooms, event.data));
    },
  );
}

function isTime({ database }: WorkflowRooms, { controllerId, requestId }: Target): Promise<boolean> {
  return database.inController(controllerId, async (tx) => {
    const request = await findRequest(tx, requestId);
    return request?.status === "fulfilling" && (await allSettled(tx, requestId));
  });
}

/** What the person asked to see, in one file, encrypted for them. */
async function collect(rooms: WorkflowRooms, { controllerId, requestId }: Target): Promise<void> {
  const { database, ring } = rooms;
  const keys = await ring.keys(controllerId);
  const request = await database.inController(controllerId, (tx) => findRequest(tx, requestId));
  if (request === undefined || (request.kind !== "access" && request.kind !== "portability")) return;
  if (await database.inController(controllerId, (tx) => bundleOf(tx, requestId))) return;
  const file = await makeBundle(rooms, keys, controllerId, request);
  await database.inController(controllerId, (tx) => saveBundle(tx, keys, requestId, file));
}

/** Whether there is more to forget. */
async function forgetAccount({ database, committed }: WorkflowRooms, { controllerId, requestId }: Target) {
  const more = await database.inController(controllerId, async (tx) => {
    const request = await lockToErase(tx, requestId);
    if (request?.scope !== "account" || request.status !== "fulfilling") return false;
    return eraseAccount(tx, request);
  });
  committed();
  return more;
}

async function close(
  { database, ring, connectors, committed }: WorkflowRooms,
  { controllerId, requestId }: Target,
): Promise<void> {
  const keys = await ring.keys(controllerId);
  await database.inController(controllerId, async (tx) => {
    const found = await lockToErase(tx, requestId);
    if (found?.status !== "fulfilling" || !(await allSettled(tx, requestId))) return;
    const details = await openDetails(tx, keys, requestId);
    // Somebody may have become known since it was planned, and platforms may have spoken of them since they were asked.
    const request = { ...found, subjectId: found.subjectId ?? (await subjectOf(tx, keys, found)) };
    if (request.kind === "erasure" && request.scope === "subject") {
      await noteSubject(tx, request);
      const more = await planTasks(tx, connectors, request);
      await announceTasks(tx, more);
      if (!(await allSettled(tx, requestId))) return;
      // A hold that was placed meanwhile keeps it open; its release announces it again.
      if (!(await eraseHere(tx, keys, request, details))) return;
    }
    // The same of anybody of an account's; nobody is told of the release, and it is looked at again in a while.
    if (request.scope === "account" && request.kind === "erasure" && request.connectionId !== null)
      if ((await heldThrough(tx, request.connectionId)).length > 0) return;
    // What nobody is known to concern was recorded of nobody.
    const nobody = byConsent(request.kind) && request.subjectId === null;
    const status = nobody ? "not_found" : request.kind === "erasure" ? "done_verified" : "done";
    await settleOwnTask(tx, request, { status });
    await closeRequest(tx, request);
    // The address is needed once more, to tell them; without one, everything goes now.
    if (request.source !== "platform" && (details?.emails.length ?? 0) > 0) await tell(tx, request, "closed");
    else await shredDetails(tx, requestId);
  });
  committed();
}
