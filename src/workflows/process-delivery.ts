import { eventType, type Inngest } from "inngest";
import { z } from "zod";
import { appendEvents } from "#audit";
import { isConnectionFault } from "#database";
import { noteFailure, settleDeliveries, shredPayloads } from "#intake";
import { type ControllerId, type DeliveryId, describeError, events } from "#schemas";
import type { WorkflowRooms } from "./index.ts";
import { recordDeliveries } from "./record-deliveries.ts";

const received = eventType("delivery/received", { schema: events["delivery/received"] });
const retried = eventType("delivery/retried", { schema: events["delivery/retried"] });

/** What a failed run was about; a batch names all of its events. */
const Received = z.object({ data: events["delivery/received"] });
const Failed = z.object({ event: Received, events: z.array(Received).optional() });

/** Deliveries that one run takes at most: enough to share a run's cost, few enough to be done within a lease. */
const BATCH = 100;
/** Runs of one controller at a time: one reads and hashes while the other waits for its commit. */
const AT_ONCE = 2;

/**
 * Deliveries of one controller, many in a run: record their effects in one commit, then shred their payloads.
 * One that fails for a passing reason goes on alone, with retries of its own.
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
      const again = await step.run("record", () => recordTogether(rooms, controllerId, ids));
      await step.run("shred", () => shred(rooms, controllerId, ids));
      if (again.length > 0)
        await step.sendEvent(
          "retry alone",
          again.map((deliveryId) => ({ name: "delivery/retried", data: { controllerId, deliveryId } })),
        );
    },
  );
}

/** One delivery that failed for a passing reason, tried again with backoff; when retries are spent it is `failed`. */
export function retryDelivery(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "retry-delivery",
      name: "Retry a delivery",
      triggers: [retried],
      retries: 5,
      onFailure: async ({ event, error }) => {
        const { controllerId, deliveryId } = events["delivery/retried"].parse(event.data.event.data);
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

/** Records a batch, and returns those that are to be tried again alone. */
async function recordTogether(
  rooms: WorkflowRooms,
  controllerId: ControllerId,
  ids: readonly DeliveryId[],
): Promise<DeliveryId[]> {
  try {
    await record(rooms, controllerId, ids);
    return [];
  } catch (error) {
    // Nobody's fault in particular: the step is tried again as a whole.
    if (isConnectionFault(error)) throw error;
  }
  const again: DeliveryId[] = [];
  for (const id of ids) {
    try {
      await record(rooms, controllerId, [id]);
    } catch (error) {
      await note(rooms, controllerId, id, error);
      again.push(id);
    }
  }
  return again;
}

async function recordAlone(rooms: WorkflowRooms, controllerId: ControllerId, id: DeliveryId): Promise<void> {
  try {
    await record(rooms, controllerId, [id]);
  } catch (error) {
    await note(rooms, controllerId, id, error);
    throw error;
  }
}

async function record(
  rooms: WorkflowRooms,
  controllerId: ControllerId,
  ids: readonly DeliveryId[],
): Promise<void> {
  const keys = await rooms.ring.keys(controllerId);
  await rooms.database.inController(controllerId, (tx) => recordDeliveries(tx, keys, rooms.connectors, ids));
  rooms.committed();
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
  const [code = "internal/unexpected", message = ""] = text.split(/: (.*)/s);
  await rooms.database.inController(controllerId, async (tx) => {
    // Only if it still waits: the run may have failed after it was processed, and its effects stand.
    const failed = await settleDeliveries(tx, [{ id, status: "failed", error: { code, message } }]);
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
