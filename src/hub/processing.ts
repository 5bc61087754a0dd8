import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction, Database, Transaction } from "#database";
import type { Stop } from "#runtime";
import { HUB, type StopReason } from "#schemas";

export interface Switched {
  /** As it is now; undefined while processing goes on. */
  readonly stop: Stop | undefined;
  /** False if it was so already. */
  readonly changed: boolean;
}

/**
 * Throws the kill switch: from the commit on no step of any workflow that looks at it begins, in any process on this database, until
 * {@link resumeProcessing}. One that had looked a moment before is under way, and finishes. Webhooks are taken as ever.
 */
export function stopProcessing(database: Database, reason: StopReason): Promise<Switched> {
  return database.inController(HUB, async (tx) => {
    const [thrown] = await tx.sql<{ workflow: string }[]>`
      insert into processing_stop (controller_id, workflow_id, reason) values (${HUB}, ${uuid()}, ${reason})
      on conflict do nothing returning workflow_id as workflow`;
    if (thrown !== undefined) await record(tx, "processing.stopped", thrown.workflow, { reason });
    return { stop: await currentStop(tx), changed: thrown !== undefined };
  });
}

/** Lets everything go on that waits, once. */
export function resumeProcessing(database: Database): Promise<Switched> {
  return database.inController(HUB, async (tx) => {
    const [over] = await tx.sql<{ workflow: string; seconds: number }[]>`
      delete from processing_stop where controller_id = ${HUB}
      returning workflow_id as workflow, extract(epoch from now() - stopped_at)::int as seconds`;
    if (over === undefined) return { stop: undefined, changed: false };
    await record(tx, "processing.resumed", over.workflow, { seconds: over.seconds });
    const { announce } = await import("#workflows");
    await announce(tx, [{ name: "processing/resumed", data: {} }]);
    return { stop: undefined, changed: true };
  });
}

export interface ProcessingStatus {
  readonly stop: Stop | undefined;
  /** Workflow events that wait to be taken up. */
  readonly waiting: number;
  /** Calls of workflows under way in this database's processes, which finish the step that they are in. */
  readonly underWay: number;
}

export function processingStatus(database: Database): Promise<ProcessingStatus> {
  return database.acrossControllers("lethe_runtime", async (tx) => {
    const [counts] = await tx.sql<{ waiting: number; underWay: number }[]>`
      select (select count(*)::int from runtime_event where dispatched_at is null) as waiting,
        (select count(*)::int from runtime_queue where lease is not null and locked_until > now()) as "underWay"`;
    return { stop: await currentStop(tx), waiting: counts?.waiting ?? 0, underWay: counts?.underWay ?? 0 };
  });
}

/** Loads the runtime, and with it the Inngest SDK, which other commands do without. */
async function currentStop(tx: Transaction): Promise<Stop | undefined> {
  const { findStop } = await import("#runtime");
  return findStop(tx);
}

function record(
  tx: ControllerTransaction,
  type: "processing.stopped" | "processing.resumed",
  workflow: string,
  facts: Record<string, string | number>,
): Promise<void> {
  return appendEvents(tx, [{ workflow, type, entity: "hub", actor: "operator", facts }]);
}
