import { Inngest } from "inngest";
import type { Database } from "#database";
import type { RuntimeLog } from "./runtime.ts";
import { ScrubErrors } from "./scrub.ts";
import { findStop, holdSteps } from "./switch.ts";

export const APP_ID = "lethe";

/** An Inngest client as both runtimes need it. */
export function createClient(
  { database, log }: { database: Database; log: RuntimeLog },
  options: { baseUrl: string; eventKey: string; signingKey?: string; isDev: boolean; fetch?: typeof fetch },
): Inngest {
  const isStopped = async () => (await database.acrossControllers("lethe_runtime", findStop)) !== undefined;
  return new Inngest({
    ...options,
    id: APP_ID,
    // The first is the outermost: what the second throws is scrubbed too.
    middleware: [ScrubErrors, holdSteps(isStopped)],
    aiMetadata: false,
    checkpointing: true,
    logger: sdkLogger(log),
  });
}

/** Without `flush`, the SDK waits a timer tick a call. Its arguments are withheld: they can hold errors as thrown. */
function sdkLogger(log: RuntimeLog) {
  const text = (args: unknown[]) =>
    args
      .filter((arg) => typeof arg === "string")
      .join(" ")
      .slice(0, 200);
  return {
    debug: () => {},
    info: () => {},
    warn: (...args: unknown[]) => log.warn({ sdk: text(args) }, "inngest sdk"),
    error: (...args: unknown[]) => log.error({ sdk: text(args) }, "inngest sdk"),
    flush: async () => {},
  };
}
