import { cron, type Inngest } from "inngest";
import { appendEvents } from "#audit";
import { expireDeliveries } from "#intake";
import type { WorkflowRooms } from "./index.ts";

const BATCH = 500;

/** Every hour: payloads of failed deliveries whose replay window is over are shredded, and they end as `expired`. */
export function expire(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "expire-deliveries", name: "Expire deliveries", triggers: [cron("17 * * * *")], retries: 3 },
    async ({ step }) => {
      await step.run("shred", async () => {
        for (const { id } of await rooms.controllers()) while ((await expireSome(id)) === BATCH);
      });
    },
  );

  async function expireSome(
    controllerId: Awaited<ReturnType<WorkflowRooms["controllers"]>>[number]["id"],
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
}
