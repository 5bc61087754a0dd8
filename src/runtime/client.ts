import { Inngest } from "inngest";
import { observeRuns } from "./observe.ts";
import type { RuntimeOptions } from "./runtime.ts";
import { ScrubErrors } from "./scrub.ts";
import { holdSteps } from "./switch.ts";

export const APP_ID = "lethe";

/** An Inngest client as both runtimes need it. */
export function createClient(
  { database, log, observeRun }: Pick<RuntimeOptions, "database" | "log" | "observeRun">,
  options: { baseUrl: string; eventKey: string; signingKey?: string; isDev: boolean; fetch?: typeof fetch },
): Inngest {
  return new Inngest({
    ...options,
    id: APP_ID,
    // The first is the outermost: what the others throw is scrubbed too.
    middleware: [ScrubErrors, observeRuns(observeRun), holdSteps(database)],
    aiMetadata: false,
    checkpointing: true,
    logger: sdkLogger(log),
  });
}

/** Without `flush`, the SDK waits a timer tick a call. Its arguments are withheld: they can hold errors as thrown. */
function sdkLogger(log: RuntimeOptions["log"]) {
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
