import { setTimeout as sleep } from "node:timers/promises";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { HUB } from "#schemas";
import { openProcessing, type Processing, type Shop } from "#test";

/** What the platforms' APIs were asked, and what they answer. */
const asked: string[] = [];
let answer: (url: URL, request: Request) => Response | Promise<Response> = () =>
  new HttpResponse(null, { status: 500 });
const platforms = setupServer(
  http.all(/^https:/, ({ request }) => {
    const url = new URL(request.url);
    asked.push(`${request.method} ${url.host}${url.pathname} ${request.headers.get("authorization")}`);
    return answer(url, request);
  }),
);

let hub: Processing;
beforeAll(async () => {
  platforms.listen({ onUnhandledFrame: "bypass" });
  hub = await openProcessing();
});
afterEach(() => {
  asked.length = 0;
});
afterAll(async () => {
  platforms.close();
  await hub.close();
});

const eventually = <T>(what: () => Promise<T>) => expect.poll(what, { timeout: 15_000 });
const done = (shop: Shop, state: object) => hub.working(() => eventually(shop.state).toEqual(state));
const records = async (shop: Shop) => (await shop.effects()).map(({ record }) => record);
const hosts = () => asked.filter((line) => line.startsWith("GET"));

const REALM = "9341455012345678";
const BASIC = `Basic ${Buffer.from("client-1:secret-1").toString("base64")}`;
const credentials = { clientId: "client-1", clientSecret: "secret-1", refreshToken: "refresh-1" };
const changed = (realm: string, ...ids: number[]) =>
  JSON.stringify(
    ids.map((id) => ({
      ...{ specversion: "1.0", id: `event-${realm}-${id}`, type: "qbo.customer.updated.v1" },
      ...{ time: "2026-11-20T09:00:00Z", intuitentityid: String(id), intuitaccountid: realm },
    })),
  );
const customer = (id: string) =>
  HttpResponse.json({ Customer: { Id: id, PrimaryEmailAddr: { Address: `customer-${id}@example.com` } } });
const tokens = (n: number) =>
  HttpResponse.json({ access_token: `access-${n}`, refresh_token: `refresh-${n + 1}`, expires_in: 3_600 });

const isToken = (url: URL) => url.host === "oauth.platform.intuit.com";
const idOf = (url: URL) => url.pathname.split("/").at(-1) ?? "";

describe("a thin payload", () => {
  test("is fetched with a fresh token, by a delivery that goes alone, and the new tokens are kept sealed", async () => {
    const shop = await hub.shop("quickbooks", undefined, { account: REALM, credentials });
    answer = (url) => (isToken(url) ? tokens(1) : customer(idOf(url)));
    await shop.send("customer", () => changed(REALM, 1, 2, 3));
    await done(shop, { processed: 1, left: [] });
    expect(await records(shop)).toEqual(["customer.updated", "customer.updated", "customer.updated"]);
    expect(await shop.runs()).toEqual(["process-delivery 1 completed", "process-alone 1 completed"]);
    expect(asked[0]).toBe(`POST oauth.platform.intuit.com/oauth2/v1/tokens/bearer ${BASIC}`);
    expect(asked.filter((line) => line.startsWith("POST"))).toHaveLength(1);
    expect(hosts().toSorted()).toEqual(
      [1, 2, 3].map(
        (id) => `GET quickbooks.api.intuit.com/v3/company/${REALM}/customer/${id} Bearer access-1`,
      ),
    );

    // The next delivery needs no new token, and the one after its end is had with the refresh token that replaced the first.
    asked.length = 0;
    await shop.send("customer", () => changed(REALM, 4));
    await done(shop, { processed: 2, left: [] });
    expect(asked).toHaveLength(1);
    const [row] = await hub.byHand<{ credentials: Buffer }>(
      "select credentials from connection where id = $1",
      shop.connection,
    );
    expect(row?.credentials.includes("refresh")).toBe(false);
    let given = "";
    answer = (url, request) => {
      if (isToken(url)) void request.text().then((text) => (given = text));
      return isToken(url)
        ? tokens(2)
        : request.headers.get("authorization") === "Bearer access-2"
          ? customer(idOf(url))
          : new HttpResponse(null, { status: 401 });
    };
    await shop.send("customer", () => changed(REALM, 5));
    await done(shop, { processed: 3, left: [] });
    expect(new URLSearchParams(given).get("refresh_token")).toBe("refresh-2");
  });

  test("is not asked for any more once processing is stopped, and that is no failed attempt", async () => {
    const realm = "9341455012345699";
    const shop = await hub.shop("quickbooks", undefined, { account: realm, credentials });
    const ids = Array.from({ length: 12 }, (_, n) => n + 1);
    const stop = `insert into processing_stop (controller_id, workflow_id, reason) values ($1, gen_random_uuid(), 'other') on conflict do nothing`;
    answer = async (url) => {
      if (isToken(url)) return tokens(1);
      await hub.byHand(stop, HUB);
      return customer(idOf(url));
    };
    const id = await shop.send("customer", () => changed(realm, ...ids));
    await hub.working(async () => {
      await eventually(async () => hosts().length).toBeGreaterThan(0);
      await sleep(500);
    });
    expect(hosts().length).toBeLessThanOrEqual(4);
    expect(await shop.delivery(id)).toMatchObject({ status: "received", attempts: 0, error: null });
    answer = (url) => (isToken(url) ? tokens(2) : customer(idOf(url)));
    await hub.byHand("delete from processing_stop");
    await done(shop, { processed: 1, left: [] });
    expect(await records(shop)).toHaveLength(12);
  });

  test("without credentials is taken for what it says", async () => {
    const shop = await hub.shop("quickbooks", undefined, { account: REALM });
    await shop.send("customer", () => changed(REALM, 1, 2));
    await done(shop, { processed: 1, left: [] });
    expect(await records(shop)).toHaveLength(2);
    expect(asked).toEqual([]);
  });

  test("waits for a platform that asks for patience, while the rest of its delivery is recorded", async () => {
    const shop = await hub.shop("quickbooks", undefined, { account: REALM, credentials });
    let tries = 0;
    answer = (url) => {
      if (isToken(url)) return tokens(1);
      if (idOf(url) !== "9") return customer(idOf(url));
      tries += 1;
      if (tries === 1) return new HttpResponse(null, { status: 429, headers: { "retry-after": "0" } });
      return tries === 2 ? new HttpResponse(null, { status: 503 }) : customer("9");
    };
    const id = await shop.send("customer", () => changed(REALM, 1, 2, 3, 4, 9));
    await done(shop, { processed: 1, left: [] });
    expect(await records(shop)).toHaveLength(5);
    expect(tries).toBe(3);
    // What was had before is not asked for again.
    expect(hosts().filter((line) => line.includes("/customer/1 "))).toHaveLength(1);
    expect(await shop.delivery(id)).toMatchObject({ attempts: 3, error: null });
  });

  test("whose platform never answers ends failed, visible, and is recorded when it is replayed later", async () => {
    const shop = await hub.shop("quickbooks", undefined, { account: REALM, credentials });
    answer = () => new HttpResponse(null, { status: 503 });
    const id = await shop.send("customer", () => changed(REALM, 1));
    await done(shop, { failed: 1, left: [id] });
    expect(await shop.delivery(id)).toMatchObject({
      error: expect.stringMatching(/^platform\/unavailable: /),
    });
    answer = (url) => (isToken(url) ? tokens(1) : customer(idOf(url)));
    expect(await shop.replay(id)).toEqual(["replayed"]);
    await done(shop, { processed: 1, left: [] });
    expect(await records(shop)).toEqual(["customer.updated"]);
  });

  test("that the credentials do not open fails at once, and says what to do", async () => {
    const shop = await hub.shop("quickbooks", undefined, { account: REALM, credentials });
    answer = (url) => (isToken(url) ? new HttpResponse("{}", { status: 400 }) : customer(idOf(url)));
    const id = await shop.send("customer", () => changed(REALM, 1));
    await done(shop, { failed: 1, left: [id] });
    expect(await shop.delivery(id)).toMatchObject({
      error: expect.stringMatching(/^platform\/not-renewed: .*lethe connection update --credentials/),
    });
    expect(asked).toHaveLength(1);
  });
});

describe("a platform that takes its time", () => {
  test("holds up neither another controller, nor all the sessions of the database", async () => {
    const slow = await hub.shop("quickbooks", undefined, { account: REALM, credentials });
    const slowToo = await hub.shop("eventbrite", undefined, { credentials: { privateToken: "token-1" } });
    const quick = await hub.shop();
    const gate = Promise.withResolvers<void>();
    platforms.use(
      http.all(/^https:/, async ({ request }) => {
        asked.push(`${request.method} ${request.url}`);
        await gate.promise;
        return new HttpResponse(null, { status: 404 });
      }),
    );
    for (let n = 0; n < 20; n++) {
      await slow.send("customer", () => changed(REALM, 10 * n, 10 * n + 1));
      await slowToo.send("order-updated");
    }
    await hub.working(async () => {
      await expect.poll(() => asked.length, { timeout: 10_000 }).toBeGreaterThan(2);
      await quick.send("customers-create");
      await eventually(quick.state).toEqual({ processed: 1, left: [] });
      // One renewal for all that wait for a token, and a few deliveries of each controller.
      expect(asked.filter((line) => line.startsWith("POST"))).toHaveLength(1);
      expect(asked.length).toBeLessThan(13);
      gate.resolve();
      // Gone orders are recorded as far as they are known; without a token, customers wait for a replay.
      await eventually(async () => (await slowToo.state())["processed"]).toBe(20);
      await eventually(async () => (await slow.state())["failed"]).toBe(20);
    });
    platforms.resetHandlers();
  });
});

describe("events of several companies in one request", () => {
  const OTHER = "310687";
  /** Of the app that both companies have connected. */
  const secret = "verifier-token";

  test("belong each to the connection of its company, and are fetched with its credentials", async () => {
    const shop = await hub.shop("quickbooks", undefined, { account: REALM, credentials, secret });
    const other = await hub.rooms.connection(shop.controllerId, "quickbooks", {
      account: OTHER,
      secret,
      credentials: { ...credentials, refreshToken: "other-1" },
    });
    const granted = new Map<string, string>();
    platforms.use(
      http.post("https://oauth.platform.intuit.com/*", async ({ request }) => {
        const token = new URLSearchParams(await request.text()).get("refresh_token") ?? "";
        granted.set(token, `access-of-${token}`);
        return HttpResponse.json({ access_token: `access-of-${token}`, expires_in: 3_600 });
      }),
    );
    answer = (url) => customer(idOf(url));
    const both = [...JSON.parse(changed(REALM, 1)), ...JSON.parse(changed(OTHER, 1, 2))];
    await shop.send("customer", () => JSON.stringify(both));
    await done(shop, { processed: 1, left: [] });
    expect(hosts().toSorted()).toEqual([
      `GET quickbooks.api.intuit.com/v3/company/${OTHER}/customer/1 Bearer access-of-other-1`,
      `GET quickbooks.api.intuit.com/v3/company/${OTHER}/customer/2 Bearer access-of-other-1`,
      `GET quickbooks.api.intuit.com/v3/company/${REALM}/customer/1 Bearer access-of-refresh-1`,
    ]);
    const rows = await hub.byHand<{ connection_id: string; count: number }>(
      "select connection_id, count(*)::int from processing_activity where controller_id = $1 group by 1",
      shop.controllerId,
    );
    expect(new Map(rows.map((row) => [row.connection_id, row.count]))).toEqual(
      new Map([
        [shop.connection, 1],
        [other.id, 2],
      ]),
    );
    platforms.resetHandlers();
  });

  test("of a company that the controller has not connected fail, and wait for the connection", async () => {
    const shop = await hub.shop("quickbooks", undefined, { account: REALM, secret });
    // Another controller's company is nobody's here, and who has this app's secret may not speak for another app.
    const stranger = await hub.shop("quickbooks", undefined, { account: OTHER, secret });
    await hub.rooms.connection(shop.controllerId, "quickbooks", { account: OTHER, secret: "another-app" });
    const both = [...JSON.parse(changed(REALM, 1)), ...JSON.parse(changed(OTHER, 1))];
    const id = await shop.send("customer", () => JSON.stringify(both));
    await done(shop, { failed: 1, left: [id] });
    expect(await records(shop)).toEqual(["customer.updated"]);
    expect(await shop.delivery(id)).toMatchObject({
      error: expect.stringMatching(/^payload\/unknown-account: .*\(of 2 events: 2 failed\)$/),
    });
    await hub.rooms.connection(shop.controllerId, "quickbooks", { account: OTHER, secret });
    await shop.replay(id);
    await done(shop, { processed: 1, left: [] });
    expect(await records(shop)).toHaveLength(2);
    expect(await records(stranger)).toEqual([]);
  });
});

describe("Eventbrite, whose requests have no id,", () => {
  const order = (time: string, email = "paula@example.com") =>
    HttpResponse.json({ id: "1", email, changed: time, created: "2026-11-01T00:00:00Z" });

  test("has each state of an order recorded once, however often it points to it", async () => {
    const shop = await hub.shop("eventbrite", undefined, { credentials: { privateToken: "token-1" } });
    answer = () => order("2026-11-20T09:00:00Z");
    await shop.send("order-updated");
    await shop.send("order-updated");
    await done(shop, { processed: 2, left: [] });
    expect(await records(shop)).toEqual(["order.updated"]);
    answer = () => order("2026-11-20T09:00:05Z", "paula.ng@example.com");
    await shop.send("order-updated");
    await done(shop, { processed: 3, left: [] });
    expect(await records(shop)).toEqual(["order.updated", "order.updated"]);
    expect(asked.every((line) => line.endsWith("Bearer token-1"))).toBe(true);
  });

  test("never has the token sent to another host", async () => {
    const shop = await hub.shop("eventbrite", undefined, { credentials: { privateToken: "token-1" } });
    answer = () => order("2026-11-20T09:00:00Z");
    for (const name of ["foreign-host", "look-alike-host", "look-alike-user", "plain-http"])
      await shop.send(name);
    await hub.working(() => eventually(async () => (await shop.state())["failed"]).toBe(4));
    expect(asked).toEqual([]);
  });
});
