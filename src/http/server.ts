import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { LetheError } from "#schemas";
import type { App } from "./app.ts";

export interface HttpServer {
  /** Where it listens, e.g. `http://127.0.0.1:8787`. */
  readonly url: string;
  /** Takes no new requests and resolves when those in hand are answered. */
  stop(): Promise<void>;
}

/** Time in which requests in hand are answered once it stops, in milliseconds. */
const FINISH = 3_000;

/** Listens. Requests that trickle in slowly are cut off: `timeout` is in milliseconds. */
export async function listen(
  app: App,
  options: { host: string; port: number; timeout: number },
): Promise<HttpServer> {
  const { host, port, timeout } = options;
  const { promise, resolve, reject } = Promise.withResolvers<{ port: number }>();
  const server = serve(
    {
      fetch: app.fetch,
      hostname: host,
      port,
      serverOptions: {
        headersTimeout: Math.min(timeout, 5_000),
        requestTimeout: timeout,
        keepAliveTimeout: 60_000,
        maxHeaderSize: 16 * 1024,
        connectionsCheckingInterval: 1_000,
      },
    },
    resolve,
  ) as Server;
  const headers = await answerHeaders();
  server.prependListener("request", (_, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
  });
  server.on("error", reject);
  try {
    const address = await promise;
    return {
      url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
      stop: () => stop(server),
    };
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    throw taken
      ? new LetheError(
          "http/port-taken",
          `port ${port} on ${host} is in use; stop what listens there, or set PORT`,
        )
      : new LetheError("http/cannot-listen", `cannot listen on ${host}:${port}; check HOST and PORT`, {
          cause: error,
        });
  }
}

/** What hono's middleware puts on every answer, made once: as a middleware it takes a tenth of an acknowledgement's time. */
async function answerHeaders(): Promise<[string, string][]> {
  const policy = { defaultSrc: ["'none'"], frameAncestors: ["'none'"] };
  const app = new Hono().use(secureHeaders({ contentSecurityPolicy: policy })).get("/", (c) => c.body(null));
  const { headers } = await app.request("/");
  return [...headers, ["cache-control", "no-store"]];
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A busy keep-alive connection is told with its next answer; one that never asks or never ends is cut.
    server.prependListener("request", (_, response) => response.setHeader("connection", "close"));
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const cut = setTimeout(() => server.closeAllConnections(), FINISH);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
