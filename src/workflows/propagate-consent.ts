import { eventType, type Inngest } from "inngest";
import type { z } from "zod";
import { type ConsentChange, noteDue, type PlannedPush, planPushes } from "#consent";
import type { ControllerTransaction } from "#database";
import { type ControllerId, events } from "#schemas";
import type { WorkflowRooms } from "./index.ts";
import { type Announcement, announce } from "./outbox.ts";

const changed = eventType("consent/changed", { schema: events["consent/changed"] });

/** Changes that one run plans at most. */
const BATCH = 100;

/**
 * What a person chose on one platform is to hold on all: finds out which ones are not in step, and starts a run of
 * its own for each (`push-consent`), so that none waits for another.
 */
export function propagateConsent(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "propagate-consent",
      name: "Propagate consent",
      triggers: [changed],
      batchEvents: { maxSize: BATCH, timeout: "1s", key: "event.data.controllerId" },
      // Of two at once, both would find the same platform out of step.
      concurrency: { limit: 1, key: "event.data.controllerId" },
      // Nothing here fails but for the database being away.
      retries: 20,
    },
    async ({ events: batch, step }) => {
      const changes = batch.map(({ data }) => data);
      await step.run("plan", () => plan(rooms, changes));
    },
  );
}

async function plan(
  rooms: WorkflowRooms,
  changes: readonly z.infer<(typeof events)["consent/changed"]>[],
): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  await rooms.database.inController(first.controllerId, async (tx) =>
    announcePushes(tx, await planPushes(tx, rooms.connectors, changes)),
  );
  rooms.committed();
}

/** That choices changed, for {@link propagateConsent}. */
export async function announceChanges(
  tx: ControllerTransaction,
  changes: readonly ConsentChange[],
): Promise<void> {
  await noteDue(tx, changes);
  await announce(
    tx,
    changes.map((change) => changedEvent(tx.controllerId, change)),
  );
}

export const changedEvent = (
  controllerId: ControllerId,
  { subjectId, purpose }: ConsentChange,
): Announcement => ({ name: "consent/changed", data: { controllerId, subjectId, purpose } });

/** That platforms are to be brought in step, for `push-consent`. */
export function announcePushes(tx: ControllerTransaction, pushes: readonly PlannedPush[]): Promise<void> {
  const { controllerId } = tx;
  return announce(
    tx,
    pushes.map((push) => ({ name: "consent/push", data: { controllerId, ...push } })),
  );
}
