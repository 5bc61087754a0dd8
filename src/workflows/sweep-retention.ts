import { cron, type Inngest } from "inngest";
import { appendEvents, standingChain } from "#audit";
import type { ControllerTransaction } from "#database";
import { removeDeliveries } from "#intake";
import { removeRequests, shredClosed, shredFiles } from "#rights";
import { type ControllerId, describeError } from "#schemas";
import { expirePayloads } from "./expire-deliveries.ts";
import type { WorkflowRooms } from "./index.ts";

/** Rows that go in one transaction. */
const BATCH = 500;

type Rooms = Pick<WorkflowRooms, "database" | "replayDays" | "committed"> & {
  readonly rights: Pick<WorkflowRooms["rights"], "retentionYears">;
};

/**
 * Every night: what has outlived its time ends, in every room; docs/operations.md lists it. That it was looked at is on each
 * controller's log, also where there was nothing to do. Stopping anywhere is harmless: the next night goes on.
 */
export function sweepRetention(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "sweep-retention", name: "Sweep what is over", triggers: [cron("11 3 * * *")], retries: 3 },
    async ({ step }) => {
      await step.run("sweep", async () => {
        const failed: unknown[] = [];
        for (const { id } of await rooms.controllers())
          await sweepController(rooms, id).catch((error: unknown) => {
            // One controller's trouble must not keep the others' data.
            failed.push(error);
            rooms.log.warn({ ...describeError(error), controller: id }, "what is over could not be swept");
          });
        if (failed.length > 0) throw failed[0];
      });
    },
  );
}

/** Ends what is over of one controller, in transactions of their own, and then says so in its log. */
export async function sweepController(
  rooms: Rooms,
  controllerId: ControllerId,
  now = new Date(),
): Promise<void> {
  const { database, committed } = rooms;
  const before = endOfYears(now, rooms.rights.retentionYears);
  const inBatches = async (sweep: (tx: ControllerTransaction) => Promise<number>) => {
    for (let swept = 0; ; ) {
      const count = await database.inController(controllerId, sweep);
      swept += count;
      if (count < BATCH) return swept;
    }
  };
  const facts = {
    payloads: await expirePayloads(rooms, controllerId),
    files: await database.inController(controllerId, shredFiles),
    identified: await inBatches((tx) => shredClosed(tx, BATCH)),
    requests: await inBatches((tx) => removeRequests(tx, { before, limit: BATCH })),
    deliveries: await inBatches((tx) => removeDeliveries(tx, { before, limit: BATCH })),
  };
  await database.inController(controllerId, (tx) =>
    appendEvents(tx, [
      {
        workflow: standingChain("retention", controllerId),
        type: "retention.swept",
        entity: `controller:${controllerId}`,
        actor: "hub",
        facts,
      },
    ]),
  );
  committed();
}

/** What was over before this has been kept for so many full calendar years after the one in which it ended. */
const endOfYears = (now: Date, years: number) => new Date(Date.UTC(now.getUTCFullYear() - years, 0, 1));
