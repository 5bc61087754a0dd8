import { cron, type Inngest } from "inngest";
import { v5 as nameUuid } from "uuid";
import { appendEvents, type EventDraft } from "#audit";
import type { ControllerTransaction } from "#database";
import { beginEpoch, destroyEpochs, lockEpoch, moveToEpoch, settledIn } from "#identity";
import { type ControllerId, describeError, type SubjectId } from "#schemas";
import type { WorkflowRooms } from "./index.ts";

type Rooms = Pick<WorkflowRooms, "database" | "ring" | "committed"> & {
  readonly rights: Pick<WorkflowRooms["rights"], "backupDays">;
};

/** Rounds over all subjects: one, and some more for those that were being changed when it came by. */
const ROUNDS = 5;

/**
 * Every night: where somebody was erased, everybody else's key is wrapped under a new epoch's, and epochs that only backups
 * could know of any more, which are gone by now, are destroyed. Stopping anywhere is harmless: the next night goes on.
 */
export function retireKeys(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "retire-subject-keys", name: "Retire subject keys", triggers: [cron("43 2 * * *")], retries: 3 },
    async ({ step }) => {
      await step.run("retire", async () => {
        const failed: unknown[] = [];
        for (const { id } of await rooms.controllers())
          await retireSubjectKeys(rooms, id).catch((error: unknown) => {
            // One controller's trouble must not keep the others' keys alive.
            failed.push(error);
            rooms.log.warn({ ...describeError(error), controller: id }, "subject keys could not be retired");
          });
        if (failed.length > 0) throw failed[0];
      });
    },
  );
}

/** Does what is due for one controller; each act is a commit of its own, with its audit event. */
export async function retireSubjectKeys(
  rooms: Rooms,
  controllerId: ControllerId,
  options: { readonly batch?: number } = {},
): Promise<void> {
  const { database, ring, rights, committed } = rooms;
  await database.inController(controllerId, async (tx) => {
    const version = await beginEpoch(tx, ring);
    if (version !== undefined) await append(tx, version, "keys.epoch_began", {});
  });
  const keys = await ring.keys(controllerId);
  for (let round = 0, moved = 1; round < ROUNDS && moved > 0; round++) {
    moved = 0;
    let last: SubjectId | undefined;
    do {
      const batch = await database.inController(controllerId, (tx) =>
        moveToEpoch(tx, keys, last, options.batch),
      );
      moved += batch.moved;
      last = batch.last;
    } while (last !== undefined);
  }
  await database.inController(controllerId, async (tx) => {
    const version = await lockEpoch(tx);
    if (version === 1 || (await isOnRecord(tx, version, SETTLED_AT))) return;
    const subjects = await settledIn(tx, version);
    if (subjects !== undefined) await append(tx, version, "keys.epoch_settled", { subjects });
  });
  await database.inController(controllerId, async (tx) => {
    for (const version of await destroyEpochs(tx, rights))
      await append(tx, version, "keys.epoch_destroyed", {});
  });
  committed();
}

/** Where in an epoch's chain it stands that everybody came over: after its beginning. */
const SETTLED_AT = 1;

async function isOnRecord(tx: ControllerTransaction, version: number, position: number): Promise<boolean> {
  const rows = await tx.sql`select from audit_event where controller_id = ${tx.controllerId}
    and workflow_id = ${chainOf(tx.controllerId, version)} and position >= ${position}`;
  return rows.length > 0;
}

/** About nobody in particular: whose keys they were is what is being forgotten. */
function append(
  tx: ControllerTransaction,
  version: number,
  type: EventDraft["type"],
  facts: NonNullable<EventDraft["facts"]>,
): Promise<void> {
  const workflow = chainOf(tx.controllerId, version);
  return appendEvents(tx, [
    { workflow, type, entity: `subject-key:${version}`, actor: "hub", facts: { version, ...facts } },
  ]);
}

/** An epoch's life is one chain of the log (RFC 9562 §5.5: a UUID that follows from a name). */
const chainOf = (controllerId: ControllerId, version: number) =>
  nameUuid(`lethe:v1:subject-key:${version}`, controllerId);
