import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { serve } from "inngest/hono";
import { describeError } from "#schemas";
import { createClient } from "../client.ts";
import type { Runtime, RuntimeOptions } from "../runtime.ts";
import { isStopped } from "../switch.ts";
import { createDispatcher } from "./dispatcher.ts";
import { holdCall } from "./hold.ts";

export interface InngestOptions extends RuntimeOptions {
  readonly baseUrl: string;
  readonly eventKey: string;
  readonly signingKey: string;
  /** The hub's own origin as the server reaches it, e.g. `http://hub:8787`. */
  readonly serveOrigin: string;
}

const SERVE_PATH = "/api/inngest";
/** Milliseconds that the server has for an answer. The SDK sends an event up to five times: all of that fits in the dispatcher's lease. */
const PATIENCE = 10_000;

/**
 * Runs the workflows on a real Inngest server: a signed route by which it calls them, and a dispatcher that
 * sends it the outbox. The server, not this process, keeps runs, retries and timers.
 */
export function createInngestRuntime(options: InngestOptions): Runtime {
  const { database, log, workflows, baseUrl, eventKey, signingKey, serveOrigin } = options;
  const stopping = new AbortController();
  // Never isDev: a dev client accepts unsigned calls.
  const client = createClient(options, {
    ...{ baseUrl, eventKey, signingKey, isDev: false },
    fetch: impatientFetch(stopping.signal),
  });
  const handler = serve({
    client,
    functions: workflows(client),
    serveOrigin,
    servePath: SERVE_PATH,
    enableUnauthedSync: false,
  });
  const routes = new Hono().on(["GET", "PUT", "POST"], SERVE_PATH, (context) =>
    holdCall(
      context.req.method,
      () => isStopped(database),
      () => handler(context),
    ),
  );
  const dispatcher = createDispatcher(database, client, log);
  let registered = false;
  let registration: Promise<void> = Promise.resolve();

  return {
    kind: "inngest",
    routes,
    start: async () => {
      registration = register();
      dispatcher.start();
    },
    wake: dispatcher.wake,
    ready: () => registered && dispatcher.healthy(),
    stop: async (milliseconds) => {
      stopping.abort();
      const stopped = Promise.all([dispatcher.stop(), registration]);
      await Promise.race([stopped, sleep(milliseconds, undefined, { ref: false })]);
    },
  };

  /** Tells the server which functions there are, until it listens: it may start after the hub. */
  async function register(): Promise<void> {
    while (!registered && !stopping.signal.aborted) {
      try {
        const headers = { "x-inngest-signature": signEmpty(signingKey, Date.now()) };
        const response = await routes.request(`${serveOrigin}${SERVE_PATH}`, { method: "PUT", headers });
        registered = response.status === 200;
        if (!registered)
          log.warn(
            { status: response.status },
            "the Inngest server did not take the functions; trying again",
          );
      } catch (error) {
        log.warn(describeError(error), "the Inngest server could not be reached; trying again");
      }
      if (!registered) await sleep(2_000, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
}

/** A server that takes the connection and says nothing must hold up neither the outbox nor a stop. */
function impatientFetch(stopping: AbortSignal): typeof fetch {
  return async (input, init) => {
    const signals = [stopping, AbortSignal.timeout(PATIENCE), ...(init?.signal ? [init.signal] : [])];
    try {
      return await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    } catch (cause) {
      throw new TypeError("fetch failed", { cause }); // any other text the SDK reports as a misconfiguration
    }
  };
}

/** Inngest's own signature, of an empty body: nobody else may make the hub register. */
function signEmpty(signingKey: string, now: number): string {
  const t = String(Math.floor(now / 1_000));
  const key = signingKey.replace(/^signkey-\w+-/, "");
  return `t=${t}&s=${createHmac("sha256", key).update(t).digest("hex")}`;
}
