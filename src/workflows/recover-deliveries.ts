import { cron, type Inngest } from "inngest";
import { forgetContacts, forgottenChanges, forgottenPushes } from "#consent";
import { forgottenDeliveries } from "#intake";
import { forgottenRights } from "./forgotten-rights.ts";
import type { WorkflowRooms } from "./index.ts";
import { announce } from "./outbox.ts";
import { announceChanges, announcePushes } from "./propagate-consent.ts";

/** Deliveries of one controller that are announced again at a time: no more than one may hope to process until the next. */
const MOST = 1_000;

/**
 * Every ten minutes: what waits in the inbox, or for a platform to be brought in step, and no runtime seems to know of is announced again. A workflow server can
 * lose events that it took (a self-hosted Inngest that is killed under load does), and an acknowledged
 * delivery must not be lost with them. To announce one too often is harmless: its effects come once.
 */
export function recover(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "recover-deliveries", name: "Recover deliveries", triggers: [cron("*/10 * * * *")], retries: 3 },
    async ({ step }) => {
      await step.run("announce", async () => {
        for (const { id: controllerId } of await rooms.controllers())
          await rooms.database.inController(controllerId, async (tx) => {
            const forgotten = await forgottenDeliveries(tx, MOST);
            await announce(
              tx,
              forgotten.map((deliveryId) => ({
                name: "delivery/received",
                data: { controllerId, deliveryId },
              })),
            );
            await announceChanges(tx, await forgottenChanges(tx, MOST));
            await announcePushes(tx, await forgottenPushes(tx, MOST));
            await forgetContacts(tx);
            await announce(tx, await forgottenRights(tx));
          });
      });
    },
  );
}
