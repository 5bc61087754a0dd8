import { cron, type Inngest } from "inngest";
import { appendEvents } from "#audit";
import { holdIfStopped } from "#database";
import { expireDeliveries } from "#intake";
import { shredFiles } from "#rights";
import type { ControllerId } from "#schemas";
import { eachController } from "./each-controller.ts";
import type { WorkflowRooms } from "./index.ts";
import { removeBatch } from "./remove-batch.ts";

const BATCH = 500;

/** Every hour: payloads of failed deliveries whose replay window is over are shredded, and they end as `expired`; and files for people, after their days. */
export function expire(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "expire-deliveries", name: "Expire deliveries", triggers: [cron("17 * * * *")], retries: 3 },
    ({ step }) =>
      eachController(step, rooms, "shred", async (id) => {
        await expirePayloads(rooms, id);
        await removeBatch(rooms, id, "files", shredFiles);
      }),
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
  await holdIfStopped(rooms.database);
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
