import { Middleware } from "inngest";
import { type Database, holdIfStopped, type Stop } from "#database";
import type { RuntimeLog } from "./runtime.ts";

export { findStop, isHeld, isStopped, type Stop } from "#database";

/** Looks at the switch before each step of a run that is under way, and lets none begin while it is off. */
export function holdSteps(database: Database) {
  return class HoldSteps extends Middleware.BaseMiddleware {
    readonly id = "lethe/hold-steps";

    override async wrapStepHandler({ next }: Middleware.WrapStepHandlerArgs): Promise<unknown> {
      await holdIfStopped(database);
      return next();
    }
  };
}

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
