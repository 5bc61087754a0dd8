import { eventType, type Inngest } from "inngest";
import { z } from "zod";
import { appendEvents } from "#audit";
import { endedByStop, isConnectionFault } from "#database";
import { noteFailure, settleDeliveries, shredPayloads } from "#intake";
import { type ControllerId, type DeliveryId, describeError, events } from "#schemas";
import { failureOf } from "./failure.ts";
import { type Fetched, fetchObjects } from "./fetch-objects.ts";
import type { WorkflowRooms } from "./index.ts";
import { recordDeliveries } from "./record-deliveries.ts";

const received = eventType("delivery/received", { schema: events["delivery/received"] });
const setApart = eventType("delivery/set-apart", { schema: events["delivery/set-apart"] });

/** What a failed run was about; a batch names all of its events. */
const Received = z.object({ data: events["delivery/received"] });
const Failed = z.object({ event: Received, events: z.array(Received).optional() });

/** Deliveries that one run takes at most: enough to share a run's cost, few enough to be done within a lease. */
const BATCH = 100;
/** Deliveries that go alone, at a time: of one controller, and of all. */
const ALONE_AT_ONCE = 3;
const ALONE_TOGETHER = 12;
/** Runs of one controller at a time: one reads and hashes while the other waits for its commit. */
const AT_ONCE = 2;

/**
 * Deliveries of one controller, many in a run: record their effects in one commit, then shred their payloads.
 * One that fails for a passing reason, or whose platform has to be asked first, goes on alone.
 */
export function processDelivery(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "process-delivery",
      name: "Process deliveries",
      triggers: [received],
      batchEvents: { maxSize: BATCH, timeout: "1s", key: "event.data.controllerId" },
      concurrency: { limit: AT_ONCE, key: "event.data.controllerId" },
      // Over a day of trying: nothing here fails but for the database being away.
      retries: 20,
      onFailure: async ({ event, error }) => {
        const { events: batch, event: first } = Failed.parse(event.data);
        for (const { data } of batch ?? [first])
          await giveUp(rooms, data.controllerId, data.deliveryId, error.message);
      },
    },
    async ({ events: batch, step }) => {
      const controllerId = controllerOf(batch);
      const ids = [...new Set(batch.map(({ data }) => data.deliveryId))];
      const apart = await step.run("record", () => recordTogether(rooms, controllerId, ids));
      await step.run("shred", () => shred(rooms, controllerId, ids));
      if (apart.length > 0)
        await step.sendEvent(
          "set apart",
          apart.map((deliveryId) => ({ name: "delivery/set-apart", data: { controllerId, deliveryId } })),
        );
    },
  );
}

/**
 * One delivery by itself, tried again with backoff; when retries are spent it is `failed`. Thin payloads are fetched here,
 * so that a platform's slow API holds up nobody else.
 */
export function processAlone(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "process-alone",
      name: "Process a delivery alone",
      triggers: [setApart],
      // A platform's slow API must hold up neither the other controllers' nor all of the executor.
      concurrency: [{ limit: ALONE_AT_ONCE, key: "event.data.controllerId" }, { limit: ALONE_TOGETHER }],
      retries: 5,
      onFailure: async ({ event, error }) => {
        const { controllerId, deliveryId } = events["delivery/set-apart"].parse(event.data.event.data);
        await giveUp(rooms, controllerId, deliveryId, error.message);
      },
    },
    async ({ event, step }) => {
      const { controllerId, deliveryId } = event.data;
      await step.run("record", () => recordAlone(rooms, controllerId, deliveryId));
      await step.run("shred", () => shred(rooms, controllerId, [deliveryId]));
    },
  );
}

function controllerOf(batch: readonly { data: { controllerId: ControllerId } }[]): ControllerId {
  const [first] = batch;
  if (first === undefined) throw new RangeError("a run has at least one event");
  return first.data.controllerId;
}

/** Records a batch, and returns those that go on alone. */
async function recordTogether(
  rooms: WorkflowRooms,
  controllerId: ControllerId,
  ids: readonly DeliveryId[],
): Promise<DeliveryId[]> {
  try {
    return await record(rooms, controllerId, ids);
  } catch (error) {
    // Nobody's fault in particular: the step is tried again as a whole.
    if (isConnectionFault(error)) throw error;
  }
  const apart: DeliveryId[] = [];
  for (const id of ids) {
    try {
      apart.push(...(await record(rooms, controllerId, [id])));
    } catch (error) {
      await note(rooms, controllerId, id, error);
      apart.push(id);
    }
  }
  return apart;
}

async function recordAlone(rooms: WorkflowRooms, controllerId: ControllerId, id: DeliveryId): Promise<void> {
  try {
    const keys = await rooms.ring.keys(controllerId);
    const fetched = await fetchObjects(rooms, keys, controllerId, id);
    await record(rooms, controllerId, [id], fetched);
    // Its other events have their effects now; this one's platform may answer later.
    for (const { error } of fetched.values()) if (error?.retry === true) throw error;
  } catch (error) {
    // A step that a stop ended says nothing of the delivery.
    if (!endedByStop(error)) await note(rooms, controllerId, id, error);
    throw error;
  }
}

/** Records deliveries, as many transactions as it takes. Returns those that are to be fetched for. */
async function record(
  rooms: WorkflowRooms,
  controllerId: ControllerId,
  ids: readonly DeliveryId[],
  fetched?: Fetched,
): Promise<DeliveryId[]> {
  const keys = await rooms.ring.keys(controllerId);
  const apart: DeliveryId[] = [];
  for (let left = ids; left.length > 0; ) {
    const recorded = await rooms.database.inController(controllerId, (tx) =>
      recordDeliveries(tx, keys, rooms.connectors, left, fetched),
    );
    rooms.committed();
    apart.push(...recorded.apart);
    left = recorded.left;
  }
  return apart;
}

function note(
  rooms: WorkflowRooms,
  controllerId: ControllerId,
  id: DeliveryId,
  error: unknown,
): Promise<void> {
  rooms.log.warn(
    { ...describeError(error), delivery: id },
    "a delivery could not be processed; it is tried again",
  );
  return rooms.database.inController(controllerId, (tx) => noteFailure(tx, id, describeError(error)));
}

/**
 * The last step: payloads of all that were processed go; what stays is metadata and the fingerprint in the log.
 * It asks the deliveries, not the step before: that one, when a crash made it run twice, found nothing left to do.
 */
async function shred(
  rooms: WorkflowRooms,
  controllerId: ControllerId,
  ids: readonly DeliveryId[],
): Promise<void> {
  await rooms.database.inController(controllerId, async (tx) => {
    const shredded = await shredPayloads(tx, ids);
    await appendEvents(
      tx,
      shredded.map((id) => ({
        workflow: id,
        type: "delivery.shredded",
        entity: `delivery:${id}`,
        actor: "hub",
      })),
    );
  });
  rooms.committed();
}

/** Retries are spent: the delivery waits, sealed, for an operator. `text` is `<code>: <message>`, as scrubbed errors are. */
async function giveUp(
  rooms: WorkflowRooms,
  controllerId: ControllerId,
  id: DeliveryId,
  text: string,
): Promise<void> {
  const { code, message } = failureOf({ message: text });
  await rooms.database.inController(controllerId, async (tx) => {
    // Only if it still waits: the run may have failed after it was processed, and its effects stand.
    const failed = await settleDeliveries(tx, [
      { id, status: "failed", error: { code, message }, attempted: false },
    ]);
    await appendEvents(
      tx,
      failed.map(() => ({
        workflow: id,
        type: "delivery.failed",
        entity: `delivery:${id}`,
        actor: "hub",
        facts: { error: code },
      })),
    );
  });
  rooms.committed();
}
