import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ControllerId } from "#schemas";
import { fixture, freshRooms, openTestDoor, sendFixture, type TestRooms } from "#test";
import type { HttpServer } from "./index.ts";

let rooms: TestRooms;
let server: HttpServer;
let controllerId: ControllerId;
let shopify: { url: string; secret: string };
const order = fixture("shopify/orders-create");

beforeAll(async () => {
  rooms = await freshRooms();
  server = await openTestDoor(rooms, { maxBody: 4_096, refusalsPerMinute: 5 });
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});
beforeEach(async () => {
  controllerId = await rooms.controller();
  shopify = await connect2("shopify");
});

async function connect2(connector: string, options: { secret?: string; account?: string } = {}) {
  const { id, secret } = await rooms.connection(controllerId, connector, options);
  return { url: `${server.url}/webhooks/${connector}/${id}`, secret };
}
const inbox = () =>
  rooms.superuser(
    (sql) =>
      sql`select d.*, p.sealed from delivery d left join delivery_payload p on p.delivery_id = d.id where d.controller_id = ${controllerId} order by d.id`,
  );
const outbox = () =>
  rooms.superuser((sql) => sql`select name, data from runtime_event where controller_id = ${controllerId}`);
const post = (url: string, init: RequestInit = {}) => fetch(url, { method: "POST", body: "{}", ...init });

describe("a signed delivery", () => {
  test("is acknowledged when it is committed: sealed in the inbox, announced in the outbox", async () => {
    const response = await sendFixture(shopify.url, "shopify", order, shopify.secret);
    expect(response.status).toBe(200);
    const { status, delivery } = (await response.json()) as { status: string; delivery: string };
    expect(status).toBe("accepted");
    const [row, ...others] = await inbox();
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      id: delivery,
      connector: "shopify",
      topic: "orders/create",
      status: "received",
      attempts: 0,
    });
    expect(Buffer.from(row?.sealed).toString("latin1")).not.toContain("bob@example.com");
    expect(await outbox()).toEqual([
      { name: "delivery/received", data: { controllerId, deliveryId: delivery } },
    ]);
  });

  test("that comes again is acknowledged, and has no second effect", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => sendFixture(shopify.url, "shopify", order, shopify.secret)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { status: string }[];
    expect(bodies.map(({ status }) => status).sort()).toEqual(["accepted", ...Array(9).fill("duplicate")]);
    expect(await inbox()).toHaveLength(1);
    expect(await outbox()).toHaveLength(1);
  });

  test("keeps no identifier of the platform's in the clear, neither its id nor an undeclared topic", async () => {
    await sendFixture(shopify.url, "shopify", order, shopify.secret, {
      headers: { "x-shopify-topic": "bob@example.com", "x-shopify-webhook-id": "alice@example.com" },
    });
    const [row] = await inbox();
    expect(row?.topic).toBeNull();
    expect(
      JSON.stringify(row, (_, value) =>
        value?.type === "Buffer" ? Buffer.from(value.data).toString("latin1") : value,
      ),
    ).not.toMatch(/bob@|alice@/);
  });

  test("is accepted and kept sealed even if it cannot be read: nothing signed may be lost", async () => {
    for (const name of ["shopify/malformed", "shopify/unexpected-shape"])
      expect((await sendFixture(shopify.url, "shopify", fixture(name), shopify.secret)).status).toBe(200);
    expect(await inbox()).toHaveLength(2);
  });

  test("finds its connection by the account that it names", async () => {
    const mine = await connect2("shopify", { account: "lethe-sandbox.myshopify.com", secret: "one" });
    await rooms.connection(await rooms.controller(), "shopify", {
      account: "lethe-sandbox.myshopify.com",
      secret: "two",
    });
    const url = `${server.url}/webhooks/shopify`;
    expect((await sendFixture(url, "shopify", order, mine.secret)).status).toBe(200);
    expect(await inbox()).toHaveLength(1);
    expect((await sendFixture(url, "shopify", order, "three")).status).toBe(401);
    expect((await post(url)).status).toBe(404);
  });
});

describe("the dedupe traps", () => {
  test("WooCommerce: two deliveries of one second share an id and are told apart by their bodies", async () => {
    const woo = await connect2("woocommerce");
    const created = fixture("woocommerce/order-created");
    const sameSecond = { ...created, body: created.body.replace('"id": 727', '"id": 729') };
    for (const sent of [created, sameSecond, created])
      expect((await sendFixture(woo.url, "woocommerce", sent, woo.secret)).status).toBe(200);
    expect(await inbox()).toHaveLength(2);
  });

  test("Stripe: the dashboard's fixtures all share an id and are told apart by their bodies", async () => {
    const stripe = await connect2("stripe");
    const sample = fixture("stripe/dashboard-fixture");
    const other = { ...sample, body: sample.body.replace("Bob Biller", "Robert Biller") };
    for (const sent of [sample, other, sample]) await sendFixture(stripe.url, "stripe", sent, stripe.secret);
    expect(await inbox()).toHaveLength(2);
  });

  test("Stripe: a retry of a real event is a duplicate, though its count of pending webhooks changed", async () => {
    const stripe = await connect2("stripe");
    const sample = fixture("stripe/customer-created");
    const retried = {
      ...sample,
      body: sample.body.replace('"pending_webhooks": 1', '"pending_webhooks": 0'),
    };
    for (const sent of [sample, retried]) await sendFixture(stripe.url, "stripe", sent, stripe.secret);
    expect(await inbox()).toHaveLength(1);
  });

  test("Mailchimp: no id at all; an unsubscribe and a deletion of one second are two", async () => {
    const mailchimp = await connect2("mailchimp");
    const unsubscribe = fixture("mailchimp/unsubscribe");
    const deletion = { ...unsubscribe, body: unsubscribe.body.replace("unsub&", "delete&") };
    for (const sent of [unsubscribe, deletion, unsubscribe])
      await sendFixture(mailchimp.url, "mailchimp", sent, mailchimp.secret);
    expect(await inbox()).toHaveLength(2);
  });

  test("the same delivery to two connections is two", async () => {
    const other = await connect2("shopify", { secret: shopify.secret });
    for (const { url, secret } of [shopify, other]) await sendFixture(url, "shopify", order, secret);
    expect(await inbox()).toHaveLength(2);
  });
});

describe("what platforms send besides deliveries", () => {
  test("WooCommerce's unsigned ping gets exactly 200 and is not stored; anything else unsigned does not", async () => {
    const woo = await connect2("woocommerce");
    const form = { headers: { "content-type": "application/x-www-form-urlencoded" } };
    expect((await post(woo.url, { ...form, body: "webhook_id=11" })).status).toBe(200);
    for (const body of ["webhook_id=", "webhook_id=11&x=1", "webhook_id=abc", ""])
      expect((await post(woo.url, { ...form, body })).status).toBe(401);
    expect(await inbox()).toEqual([]);
  });

  test("Mailchimp's GET gets 200 if the URL is the right one", async () => {
    const mailchimp = await connect2("mailchimp");
    expect((await fetch(`${mailchimp.url}?secret=${mailchimp.secret}`)).status).toBe(200);
    expect((await fetch(`${mailchimp.url}?secret=wrong`)).status).toBe(401);
    expect((await fetch(mailchimp.url)).status).toBe(401);
    expect(await inbox()).toEqual([]);
  });

  test("a GET elsewhere is told what the URL takes", async () => {
    const response = await fetch(shopify.url);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    expect((await fetch(shopify.url, { method: "DELETE" })).headers.get("allow")).toBe("POST, GET, HEAD");
  });
});

/** A request of which all but the last byte of its body is sent. */
async function begin(path: string, bytes: number) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const request = { socket, said: "" };
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    request.said += chunk.toString("latin1");
  });
  await new Promise((connected) => socket.once("connect", connected));
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: hub\r\nContent-Length: ${bytes}\r\n\r\n${"x".repeat(bytes - 1)}`,
  );
  return request;
}

describe("what is turned away", () => {
  const problem = async (response: Response) => {
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    return (await response.json()) as { status: number; code: string; detail: string };
  };

  test("an unknown connection, platform or pair of both: 404", async () => {
    const id = shopify.url.split("/").at(-1);
    for (const path of [
      "shopify/00000000-0000-4000-8000-000000000000",
      "shopify/nonsense",
      "nonsense/nonsense",
      `stripe/${id}`,
      "shopify/%00",
      "constructor/x",
    ]) {
      const response = await post(`${server.url}/webhooks/${path}`);
      expect(response.status, path).toBe(404);
      expect((await problem(response)).code).toBe("intake/unknown-connection");
    }
    expect((await problem(await fetch(`${server.url}/nowhere`))).code).toBe("http/not-found");
  });

  test("another content type: 415, and a title that says so", async () => {
    const headers = { ...order.headers, "content-type": "text/html" };
    const response = await sendFixture(shopify.url, "shopify", { ...order, headers }, shopify.secret);
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ status: 415, title: "Unsupported media type" });
  });

  test("a bad signature: 401 with the reason, and nothing of the request in the answer", async () => {
    const response = await sendFixture(shopify.url, "shopify", order, "wrong");
    expect(response.status).toBe(401);
    const { code, detail } = await problem(response);
    expect(code).toBe("intake/signature-refused");
    expect(detail).toContain("mismatch");
    expect(detail).not.toContain("example.com");
    expect(await inbox()).toEqual([]);
  });

  test("an unknown connection before its body is read, and bodies that together would fill the memory: 503", async () => {
    const unknown = await begin("/webhooks/shopify/00000000-0000-4000-8000-000000000000", 4_000);
    await expect.poll(() => unknown.said).toContain(" 404 ");
    const path = new URL(shopify.url).pathname;
    // 32 of the largest fit; each of these holds back its last byte.
    const waiting = await Promise.all(Array.from({ length: 40 }, () => begin(path, 4_000)));
    await expect.poll(() => waiting.filter(({ said }) => said.includes(" 503 ")).length).toBeGreaterThan(0);
    for (const one of [unknown, ...waiting]) one.socket.destroy();
    // Those who went away make room.
    await expect
      .poll(async () => (await sendFixture(shopify.url, "shopify", order, shopify.secret)).status)
      .toBe(200);
  });

  test("a body over the limit: 413, whether its length is declared or not", async () => {
    const body = "x".repeat(4_097);
    expect((await problem(await post(shopify.url, { body }))).code).toBe("intake/too-large");
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 5; i++) controller.enqueue(Buffer.alloc(1_000, 120));
        controller.close();
      },
    });
    const chunked = await fetch(shopify.url, { method: "POST", body: stream, duplex: "half" } as RequestInit);
    expect(chunked.status).toBe(413);
    expect(
      (
        await sendFixture(
          shopify.url,
          "shopify",
          { ...order, body: `{"id":1,"x":"${"y".repeat(4_000)}"}` },
          shopify.secret,
        )
      ).status,
    ).toBe(200);
  });

  test("those who keep failing, after a while, with 429; but never a request that verifies", async () => {
    const answers: number[] = [];
    for (let i = 0; i < 8; i++)
      answers.push((await sendFixture(shopify.url, "shopify", order, "wrong")).status);
    expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const limited = await sendFixture(shopify.url, "shopify", order, "wrong");
    expect(limited.headers.get("retry-after")).toBe("60");
    expect((await sendFixture(shopify.url, "shopify", order, shopify.secret)).status).toBe(200);
    const other = await connect2("shopify");
    expect((await sendFixture(other.url, "shopify", order, "wrong")).status).toBe(401);
  });
});

test("every answer has secure headers", async () => {
  for (const url of [
    `${server.url}/healthz`,
    `${server.url}/nowhere`,
    shopify.url,
    `${server.url}/metrics`,
    `${server.url}/.well-known/did.json`,
  ]) {
    const { headers } = await fetch(url);
    expect(headers.get("x-content-type-options"), url).toBe("nosniff");
    expect(headers.get("strict-transport-security"), url).toContain("max-age=");
    expect(headers.get("content-security-policy"), url).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("cache-control"), url).toBe("no-store");
    expect(headers.get("server")).toBeNull();
  }
});

test("health, readiness and metrics answer, and metrics have no label that names anybody", async () => {
  await sendFixture(shopify.url, "shopify", order, shopify.secret);
  expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: "alive" });
  expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({
    status: "ready",
    database: true,
    runtime: true,
    processing: "running",
  });
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toContain('lethe_intake_requests_total{connector="shopify",outcome="accepted",reason=""}');
  expect(text).toMatch(/lethe_outbox_events \d+/);
  expect(text).not.toMatch(/127\.0\.0\.1|myshopify|[0-9a-f]{8}-[0-9a-f]{4}-/);
});

test("the DID document publishes the keys that sign checkpoints", async () => {
  const hub = (await (await fetch(`${server.url}/.well-known/did.json`)).json()) as {
    id: string;
    verificationMethod: { publicKeyJwk: { crv: string } }[];
  };
  expect(hub.id).toMatch(/^did:lethe:[0-9a-f]{64}$/);
  expect(hub.verificationMethod[0]?.publicKeyJwk.crv).toBe("Ed25519");
  const [row] = await rooms.superuser(
    (sql) => sql`select did from controller where controller_id = ${controllerId}`,
  );
  const mine = (await (await fetch(`${server.url}/.well-known/did.json?did=${row?.did}`)).json()) as {
    id: string;
  };
  expect(mine.id).toBe(row?.did);
  for (const did of ["did:lethe:0", "did:web:example.com", `did:lethe:${"0".repeat(64)}`, ""])
    expect((await fetch(`${server.url}/.well-known/did.json?did=${did}`)).status).toBe(404);
});
