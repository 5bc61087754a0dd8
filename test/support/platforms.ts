import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { SimulatedApi } from "./platforms/simulated.ts";

export interface SimulatedPlatforms {
  /** For a child process: every HTTPS request that it makes comes here instead. */
  readonly environment: Record<string, string>;
  /** What the APIs answer from now on, by URL; 404 for the rest. A token endpoint always grants. */
  answer(answers: ReadonlyMap<string, unknown>): void;
  /** Where it listens, for {@link leadPlatformsTo}. */
  readonly url: string;
  /** The URLs that were asked for, with their method. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** The platforms' APIs, as one local server that a hub's child process is led to: simulated ones, and what else a test answers. */
export async function simulatePlatforms(
  platforms: () => readonly SimulatedApi[] = () => [],
): Promise<SimulatedPlatforms> {
  let known: ReadonlyMap<string, unknown> = new Map();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://local").searchParams.get("url") ?? "";
    asked.push(`${request.method} ${url}`);
    const simulated = platforms().find(({ serves }) => serves(new URL(url).hostname));
    if (simulated !== undefined) return void answerBy(simulated, url, request, response);
    const token = { access_token: "token-that-was-granted", expires_in: 3_600, token_type: "bearer" };
    const answer = request.method === "POST" ? token : known.get(url);
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? { error: "not found" }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const preload = fileURLToPath(new URL("./platforms-preload.ts", import.meta.url));
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    environment: { NODE_OPTIONS: `--import=${preload}`, LETHE_TEST_PLATFORMS: url },
    answer: (answers) => {
      known = answers;
    },
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function answerBy(
  platform: SimulatedApi,
  url: string,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", headers } = incoming;
  const body = await buffer(incoming);
  const given = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === "string" && name !== "host" && name !== "connection"
      ? [[name, value] as [string, string]]
      : [],
  );
  const hasBody = method !== "GET" && method !== "HEAD";
  const answer = await platform.handle(
    new Request(url, { method, headers: given, ...(hasBody ? { body } : {}) }),
  );
  if (answer.type === "error") return void incoming.socket.destroy();
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
}
