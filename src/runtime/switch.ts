import { Middleware } from "inngest";
import type { Transaction } from "#database";
import { HUB, LetheError, type StopReason } from "#schemas";
import type { RuntimeLog } from "./runtime.ts";

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

const CODE = "runtime/processing-stopped";

/**
 * Looks at the switch before each step of a run that is under way, and lets none begin while it is off. Read from the database
 * each time, because another process may have thrown it a millisecond ago.
 */
export function holdSteps(isStopped: () => Promise<boolean>) {
  return class HoldSteps extends Middleware.BaseMiddleware {
    readonly id = "lethe/hold-steps";

    override async wrapStepHandler({ next }: Middleware.WrapStepHandlerArgs): Promise<unknown> {
      if (await isStopped())
        throw new LetheError(
          CODE,
          "processing is stopped; the step is taken up after `lethe processing resume`",
          {
            retry: true,
          },
        );
      return next();
    }
  };
}

/** Whether a step's scrubbed error only says that it did not begin: that is no failure, and spends no attempt. */
export const isHeld = (message: string) => message.startsWith(`${CODE}: `);

/** Says so in the log whenever the switch is found thrown, the first time that it is off included. */
export function tellOfStops(log: RuntimeLog): (stop: Stop | undefined) => void {
  let stopped = false;
  return (stop) => {
    if (stop !== undefined && !stopped)
      log.warn(
        { reason: stop.reason },
        "PROCESSING IS STOPPED: webhooks are taken and wait; `lethe processing resume` lets them go on",
      );
    if (stop === undefined && stopped) log.warn({}, "processing goes on");
    stopped = stop !== undefined;
  };
}
