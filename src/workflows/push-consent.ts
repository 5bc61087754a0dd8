import { eventType, type Inngest } from "inngest";
import {
  type AfterPush,
  bringInStep,
  confirmPush,
  endPush,
  findPush,
  notePushFailure,
  noteSending,
  readBack,
  settlePush,
  taskOf,
} from "#consent";
import { credentialStore } from "#intake";
import type { Connector, ConsentApi } from "#kit";
import { describeError, type EventData, events, LetheError } from "#schemas";
import { annotate } from "#telemetry";
import { failureOf, lacksCredentials } from "./failure.ts";
import type { WorkflowRooms } from "./index.ts";
import { announceChanges, announcePushes } from "./propagate-consent.ts";

const wanted = eventType("consent/push", { schema: events["consent/push"] });

/** Pushes to one connection at a time, and to all: slow platforms must not take all of the executor. */
const AT_ONCE = 3;
const TOGETHER = 12;
/** With the runtimes' backoff, four hours and a half of trying. */
const RETRIES = 10;
/** How often a choice may change under our hands before we try again later. */
const CHANGES = 5;

type Target = EventData<"consent/push">;

/**
 * One platform is brought in step with one choice: found there, set, read back. It is tried again with backoff, or when
 * the platform says so (`Retry-After`); when retries are spent it is `failed`, and can be tried again by hand.
 */
export function pushConsent(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "push-consent",
      name: "Bring a platform in step",
      triggers: [wanted],
      concurrency: [{ limit: AT_ONCE, key: "event.data.connectionId" }, { limit: TOGETHER }],
      retries: RETRIES,
      onFailure: async ({ event, error }) => {
        const target = events["consent/push"].parse(event.data.event.data);
        await settle(rooms, target, { status: "failed", error: failureOf(error), round: target.round });
        await end(rooms, target);
      },
    },
    async ({ event, step }) => {
      const outcome = await step.run("push", () => push(rooms, event.data));
      // `done`: it only took the change, and what it holds shows in a while. `settled`: a try before this one may have ended so.
      if (outcome === "done" || outcome === "settled")
        for (const wait of rooms.readBackAfter) {
          await step.sleep("until it shows", wait);
          if (await step.run("read back", () => confirm(rooms, event.data))) break;
        }
      await step.run("end", () => end(rooms, event.data));
    },
  );
}

async function push(rooms: WorkflowRooms, target: Target): Promise<string> {
  try {
    for (let change = 0; change < CHANGES; change++) {
      const outcome = await tryOnce(rooms, target);
      if (outcome !== "changed") return outcome;
    }
    throw new LetheError("consent/unsettled", "the choice keeps changing; it is tried again", {
      retry: true,
    });
  } catch (error) {
    if (lacksCredentials(error)) {
      await settle(rooms, target, { status: "manual", reason: "no_credentials" });
      return "manual";
    }
    const { database, log } = rooms;
    log.warn({ ...describeError(error), push: target.pushId }, "a platform could not be brought in step");
    await database.inController(target.controllerId, (tx) =>
      notePushFailure(tx, target.pushId, describeError(error)),
    );
    throw error;
  }
}

async function tryOnce(rooms: WorkflowRooms, target: Target): Promise<string> {
  const { database } = rooms;
  const { controllerId, pushId } = target;
  const found = await findTask(rooms, target);
  if (found === undefined) return "settled";
  const { task, api } = found;
  const brought = await bringInStep(api, task, (state, also) =>
    database.inController(controllerId, (tx) => noteSending(tx, pushId, state, also)),
  );
  if (brought.status === "changed") return "changed";
  const { state } = task.wish;
  await settle(
    rooms,
    target,
    brought.status === "opted_out"
      ? { status: "done_verified", state, optedOutAt: brought.optedOutAt }
      : { ...brought, state },
  );
  return brought.status;
}

/** What is to be done and the API to do it with; undefined when there is nothing to do any more. */
async function findTask(rooms: WorkflowRooms, target: Target) {
  const { database, ring, connectors } = rooms;
  const { controllerId, connectionId, pushId } = target;
  const keys = await ring.keys(controllerId);
  const open = await database.inController(controllerId, async (tx) => {
    const push = await findPush(tx, pushId);
    if (push === undefined) return undefined;
    const connector = connectorFor(connectors, push.connector);
    const task = push.active ? await taskOf(tx, keys, connector, push) : undefined;
    return { connector, task, account: push.account };
  });
  if (open === undefined) return undefined;
  const { connector, task, account } = open;
  if (task === undefined) {
    // The connection was closed, or the person's choice is open again: there is nothing that the platform should hold.
    await settle(rooms, target, { status: "void" });
    return undefined;
  }
  const credentials = await credentialStore(database, keys, controllerId, connectionId).current();
  return { task, api: await openApiOf(connector, credentials, account) };
}

function connectorFor(connectors: ReadonlyMap<string, Connector>, id: string): Connector {
  const connector = connectors.get(id);
  if (connector?.consent === undefined)
    throw new LetheError(
      "consent/no-connector",
      "the connector is not installed, or cannot change consent any more; mend that and run `lethe consents retry`",
    );
  return connector;
}

async function openApiOf(
  connector: Connector,
  credentials: unknown,
  account: string | null,
): Promise<ConsentApi> {
  const { consent } = connector;
  if (consent === undefined) throw new RangeError("the connector has no consent");
  annotate({ "lethe.connector": connector.id });
  return consent.open(credentials as never, account);
}

/** Whether nothing more has to be waited for. */
async function confirm(rooms: WorkflowRooms, target: Target): Promise<boolean> {
  const { database, ring, connectors } = rooms;
  const { controllerId, connectionId, pushId } = target;
  const keys = await ring.keys(controllerId);
  const done = await database.inController(controllerId, async (tx) => {
    const push = await findPush(tx, pushId, { status: "done" });
    if (push === undefined) return undefined;
    const connector = connectorFor(connectors, push.connector);
    const task = await taskOf(tx, keys, connector, push);
    // Another choice since then is another push's business.
    if (task === undefined || task.wish.state !== push.state) return undefined;
    return { connector, task, account: push.account };
  });
  if (done === undefined) return true;
  const credentials = await credentialStore(database, keys, controllerId, connectionId).current();
  const api = await openApiOf(done.connector, credentials, done.account);
  if (!(await readBack(api, done.task))) return false;
  await database.inController(controllerId, (tx) => confirmPush(tx, pushId));
  rooms.committed();
  return true;
}

function end({ database }: WorkflowRooms, { controllerId, pushId }: Target): Promise<void> {
  return database.inController(controllerId, (tx) => endPush(tx, pushId));
}

async function settle(
  rooms: WorkflowRooms,
  { controllerId, pushId }: Target,
  outcome: Parameters<typeof settlePush>[2],
): Promise<void> {
  await rooms.database.inController(controllerId, async (tx) => {
    const after: AfterPush = await settlePush(tx, pushId, outcome);
    await announceChanges(tx, after.changes);
    await announcePushes(tx, after.pushes);
  });
  rooms.committed();
}
