import { HUB, LetheError, type StopReason } from "#schemas";
import type { Database, Transaction } from "./database.ts";

/** Since when no step of a workflow begins, and why. */
export interface Stop {
  readonly reason: StopReason;
  /** ISO 8601. */
  readonly since: string;
  /** The chain of the hub's log that tells of it. */
  readonly workflow: string;
}

/** The kill switch as it stands; undefined while processing goes on. For the runtime's role, or the hub's own scope. */
export async function findStop({ sql }: Transaction): Promise<Stop | undefined> {
  const [row] = await sql<Stop[]>`select reason, stopped_at as since, workflow_id as workflow
    from processing_stop where controller_id = ${HUB}`;
  return row && { ...row, since: new Date(row.since).toISOString() };
}

/** Asked of the database each time, because another process may have thrown the switch a millisecond ago. */
export const isStopped = async (database: Database): Promise<boolean> =>
  (await database.acrossControllers("lethe_runtime", findStop)) !== undefined;

const CODE = "runtime/processing-stopped";

/**
 * Throws while processing is stopped. Also for within a step that deletes or asks platforms many times: a stop does not wait for
 * all of it. The step is taken up from its beginning after the resume.
 */
export async function holdIfStopped(database: Database): Promise<void> {
  if (await isStopped(database))
    throw new LetheError(
      CODE,
      "processing is stopped; the step is taken up after `lethe processing resume`",
      {
        retry: true,
      },
    );
}

/** Whether that is why something ended. */
export const endedByStop = (error: unknown) => error instanceof LetheError && error.code === CODE;

/** Whether a step's scrubbed error only says that it was held: that is no failure, and spends no attempt. */
export const isHeld = (message: string) => message.startsWith(`${CODE}: `);
