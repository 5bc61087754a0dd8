import { cron, type Inngest } from "inngest";
import { appendEvents } from "#audit";
import { expireDeliveries } from "#intake";
import type { ControllerId } from "#schemas";
import type { WorkflowRooms } from "./index.ts";

const BATCH = 500;

/** Every hour: payloads of failed deliveries whose replay window is over are shredded, and they end as `expired`. */
export function expire(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "expire-deliveries", name: "Expire deliveries", triggers: [cron("17 * * * *")], retries: 3 },
    async ({ step }) => {
      await step.run("shred", async () => {
        for (const { id } of await rooms.controllers()) await expirePayloads(rooms, id);
      });
    },
  );
}

/** Shreds one controller's payloads whose time is over. Returns how many. */
export async function expirePayloads(
  rooms: Pick<WorkflowRooms, "database" | "replayDays" | "committed">,
  controllerId: ControllerId,
): Promise<number> {
  for (let shredded = 0; ; ) {
    const count = await expireSome(rooms, controllerId);
    shredded += count;
    if (count < BATCH) return shredded;
  }
}

async function expireSome(
  rooms: Pick<WorkflowRooms, "database" | "replayDays" | "committed">,
  controllerId: ControllerId,
): Promise<number> {
  const count = await rooms.database.inController(controllerId, async (tx) => {
    const swept = await expireDeliveries(tx, { afterDays: rooms.replayDays, limit: BATCH });
    await appendEvents(
      tx,
      swept.map(({ id, expired }) => ({
        workflow: id,
        type: expired ? "delivery.expired" : "delivery.shredded",
        entity: `delivery:${id}`,
        actor: "hub",
      })),
    );
    return swept.length;
  });
  rooms.committed();
  return count;
}
