import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { type ControllerTransaction, holdIfStopped } from "#database";
import type { ControllerId } from "#schemas";
import type { WorkflowRooms } from "./index.ts";

/**
 * Removes some of what is over, unless processing is stopped. That it went is on the controller's log in the same transaction.
 * Returns how many there were of it.
 */
export async function removeBatch(
  { database, committed }: Pick<WorkflowRooms, "database" | "committed">,
  controllerId: ControllerId,
  what: "files" | "identified" | "requests" | "deliveries",
  remove: (tx: ControllerTransaction) => Promise<number>,
): Promise<number> {
  await holdIfStopped(database);
  const count = await database.inController(controllerId, async (tx) => {
    const removed = await remove(tx);
    if (removed > 0)
      await appendEvents(tx, [
        {
          // A chain of its own: that of the nightly look tells when it was last done.
          ...{ workflow: uuid(), type: "retention.removed", entity: `controller:${controllerId}` },
          ...{ actor: "hub", facts: { [what]: removed } },
        },
      ]);
    return removed;
  });
  if (count > 0) committed();
  return count;
}
