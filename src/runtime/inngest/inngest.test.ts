import { createHmac, randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freshDatabase, type TestDatabase } from "#test";
import { createInngestRuntime, type Runtime } from "../index.ts";

const signingKey = "0123456789abcdef0123456789abcdef";
const log = { warn: () => {}, error: () => {} };

/** Answers as an Inngest server documents its event and registration APIs, and can be told to fail. */
interface Peer {
  readonly url: string;
  readonly events: { id: string; name: string; data: unknown }[];
  readonly registrations: string[];
  failNext: number;
  /** Times that events came in while it could not take them. */
  refused: number;
  /** Whether it is there; while it is not, it takes nothing. */
  away: boolean;
  close(): void;
}

async function startPeer(): Promise<Peer> {
  const peer = {
    events: [] as Peer["events"],
    registrations: [] as string[],
    ...{ failNext: 0, refused: 0, away: false },
  };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      response.setHeader("content-type", "application/json");
      if (request.url === "/fn/register") {
        peer.registrations.push(body);
        return response.end(JSON.stringify({ status: 200, ok: true }));
      }
      if (peer.away) {
        peer.refused++;
        return request.socket.destroy();
      }
      const events = JSON.parse(body) as Peer["events"];
      peer.events.push(...events);
      if (peer.failNext-- > 0) return request.socket.destroy(); // taken, but the answer is lost
      return response.end(JSON.stringify({ ids: events.map(({ id }) => id), status: 200 }));
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return Object.assign(peer, { url: `http://127.0.0.1:${port}`, close: () => server.close() });
}

let db: TestDatabase;
let peer: Peer;
let runtime: Runtime;
beforeEach(async () => {
  db = await freshDatabase();
  peer = await startPeer();
  runtime = createInngestRuntime({
    database: db.database,
    workflows: (client) => [
      client.createFunction({ id: "f", triggers: [{ event: "x" }], retries: 0 }, async () => "ran"),
    ],
    log,
    baseUrl: peer.url,
    eventKey: "key",
    signingKey,
    serveOrigin: "http://hub.example:8787",
  });
});
afterEach(async () => {
  await runtime.stop(100);
  peer.close();
  await db.drop();
});

const announce = (id: string) =>
  db.superuser(
    (sql) =>
      sql`insert into lethe.runtime_event (controller_id, id, name, data) values (gen_random_uuid(), ${id}, 'x', '{"n":1}')`,
  );
const waiting = async () => {
  const [row] = await db.superuser((sql) => sql`select count(*)::int as count from lethe.runtime_event`);
  return row?.count;
};

describe("the dispatcher", () => {
  test("sends each outbox row under its own id, and removes it when it was taken", async () => {
    const id = randomUUID();
    await announce(id);
    await runtime.start();
    await expect
      .poll(() => peer.events)
      .toEqual([expect.objectContaining({ id, name: "x", data: { n: 1 } })]);
    await expect.poll(waiting).toBe(0);
  });

  test("sends again what was not confirmed, under the same id, and loses nothing", async () => {
    const ids = [randomUUID(), randomUUID()];
    for (const id of ids) await announce(id);
    peer.failNext = 2;
    await runtime.start();
    await expect.poll(waiting, { timeout: 10_000 }).toBe(0);
    expect(new Set(peer.events.map(({ id }) => id))).toEqual(new Set(ids));
    expect(peer.events.length).toBeGreaterThan(ids.length);
  });

  test("sends what a server that was away could not take soon after it is back, not when a lease is over", {
    timeout: 20_000,
  }, async () => {
    await announce(randomUUID());
    peer.away = true;
    await runtime.start();
    await expect.poll(() => runtime.ready(), { timeout: 10_000 }).toBe(true); // registered; no send has failed yet
    await expect.poll(() => runtime.ready(), { timeout: 10_000 }).toBe(false); // the SDK's own five tries are over
    peer.away = false;
    await expect.poll(waiting, { timeout: 8_000 }).toBe(0);
  });

  test("does not ask a server that is away at every event that comes in", { timeout: 20_000 }, async () => {
    peer.away = true;
    await runtime.start();
    const until = Date.now() + 6_000;
    while (Date.now() < until) {
      await announce(randomUUID());
      runtime.wake();
    }
    // Five tries in a good 1.5 s, then a second's rest.
    expect(peer.refused).toBeLessThanOrEqual(15);
    expect(peer.refused).toBeGreaterThanOrEqual(5);
  });
});

describe("the serve route", () => {
  const call = (headers: Record<string, string>, method = "POST") => {
    const body = JSON.stringify({
      event: { name: "x", data: {} },
      events: [{ name: "x", data: {} }],
      steps: {},
      version: -1,
      use_api: false,
      ctx: { run_id: "r", attempt: 0, stack: { stack: [], current: 0 } },
    });
    const init = method === "POST" ? { method, body } : { method };
    return runtime.routes?.request("http://hub.example:8787/api/inngest?fnId=lethe-f&stepId=step", {
      ...init,
      headers: { "content-type": "application/json", host: "hub.example:8787", ...headers },
    });
  };
  const sign = (body: string, key = signingKey, t = Math.floor(Date.now() / 1000)) =>
    `t=${t}&s=${createHmac("sha256", key).update(body).update(String(t)).digest("hex")}`;

  test.each(["POST", "PUT", "GET"])("refuses an unsigned %s", async (method) => {
    expect((await call({}, method))?.status).toBe(401);
  });

  test("refuses a signature made with another key, or an old one", async () => {
    expect((await call({ "x-inngest-signature": sign("{}", "another") }))?.status).toBe(401);
    expect((await call({ "x-inngest-signature": sign("{}", signingKey, 1_000) }))?.status).toBe(401);
  });

  test("registers its functions by itself, at the address by which the server reaches it", async () => {
    await runtime.start();
    await expect.poll(() => peer.registrations.length).toBe(1);
    expect(peer.registrations[0]).toContain("http://hub.example:8787/api/inngest");
    await expect.poll(() => runtime.ready()).toBe(true);
  });
});
