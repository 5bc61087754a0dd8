import { cron, type Inngest } from "inngest";
import { appendEvents, standingChain } from "#audit";
import type { ControllerTransaction } from "#database";
import { removeDeliveries } from "#intake";
import { removeRequests, shredClosed, shredFiles } from "#rights";
import { type ControllerId, describeError } from "#schemas";
import { eachController } from "./each-controller.ts";
import { expirePayloads } from "./expire-deliveries.ts";
import type { WorkflowRooms } from "./index.ts";
import { removeBatch } from "./remove-batch.ts";

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
    ({ step }) =>
      eachController(step, rooms, "sweep", (id) =>
        sweepController(rooms, id).catch((error: unknown) => {
          rooms.log.warn({ ...describeError(error), controller: id }, "what is over could not be swept");
          throw error;
        }),
      ),
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
  const inBatches = async (
    what: Parameters<typeof removeBatch>[2],
    remove: (tx: ControllerTransaction) => Promise<number>,
  ) => {
    for (let removed = 0; ; ) {
      const count = await removeBatch(rooms, controllerId, what, remove);
      removed += count;
      if (count < BATCH) return removed;
    }
  };
  const facts = {
    payloads: await expirePayloads(rooms, controllerId),
    files: await removeBatch(rooms, controllerId, "files", shredFiles),
    identified: await inBatches("identified", (tx) => shredClosed(tx, BATCH)),
    requests: await inBatches("requests", (tx) => removeRequests(tx, { before, limit: BATCH })),
    deliveries: await inBatches("deliveries", (tx) => removeDeliveries(tx, { before, limit: BATCH })),
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
