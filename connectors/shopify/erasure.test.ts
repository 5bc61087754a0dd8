import { HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type SimulatedShopify, simulateShopify } from "../../test/support/platforms/shopify.ts";
import { code, failure } from "../api.support.ts";
import { person, simulated } from "../consent.support.ts";
import { became, entry, openRights } from "../rights.support.ts";

const world = simulated();

const ADDRESS = "carla@canary.example";
const PHONE = "+16135550188";
const NOW = "2026-11-20T10:00:00.000Z";

let shop: SimulatedShopify;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date(NOW) });
  shop = simulateShopify({ accessToken: "shpat_t0ken" });
  world.platforms = [shop];
});
afterEach(() => {
  vi.useRealTimers();
});

/** What was asked for: the operation's first words and its variables. */
const asked = (from = 0) =>
  shop.requests.slice(from).map(({ body }) => {
    const { query, variables } = JSON.parse(body);
    return [/\w+ \w+/.exec(query)?.[0], variables];
  });
const known = async () => {
  const id = shop.add({ email: ADDRESS, phone: PHONE });
  const api = await openRights(shop);
  return { id, gid: `gid://shopify/Customer/${id}`, api, found: await entry(api, person(id)) };
};

describe("an erasure", () => {
  test("is asked for once, and read back until Shopify has carried it out", async () => {
    const { id, gid, api, found } = await known();
    const before = shop.requests.length;
    expect(await found.erase?.()).toEqual({ receipt: NOW });
    expect(asked(before)).toEqual([["mutation EraseCustomer", { id: gid }]]);
    expect(JSON.parse(shop.requests.at(-1)?.body ?? "").query).toMatchInlineSnapshot(`
      "mutation EraseCustomer($id: ID!) {
        erasure: customerRequestDataErasure(customerId: $id) { customerId userErrors { code } }
      }"
    `);
    expect(await became(api, id, NOW)).toMatchObject({ state: "pending" });
    const { query } = JSON.parse(shop.requests.at(-1)?.body ?? "");
    expect(query).not.toMatch(/emailAddress|phoneNumber|address1/);
    expect(shop.has(id)).toBe(true);
    shop.finish?.();
    expect(shop.has(id)).toBe(false);
    expect(await became(api, id, NOW)).toEqual({ state: "gone" });
    expect(await became(api, id)).toEqual({ state: "gone" });
  });

  test.each([
    ["ten days, in which it can be called off", [], { until: "2026-11-30T10:00:00.000Z" }],
    [
      "180 days after the latest order",
      [400, 30],
      { until: "2027-04-19T10:00:00.000Z", lastRecordAt: "2026-10-21T10:00:00.000Z" },
    ],
    [
      "ten days, after an order that is old enough by then",
      [175],
      { until: "2026-11-30T10:00:00.000Z", lastRecordAt: "2026-05-29T10:00:00.000Z" },
    ],
  ])("waits %s", async (_, orders, expected) => {
    const { id, api, found } = await known();
    for (const daysAgo of orders) shop.order(id, { daysAgo });
    const { receipt = null } = (await found.erase?.()) ?? {};
    expect(await became(api, id, receipt)).toEqual({
      state: "pending",
      retained: {
        basis: "legitimate_interests",
        categories: [
          ...["name", "email_address", "telephone_number", "postal_address"],
          ...["customer_id", "purchase_history", "payment"],
        ],
        ...expected,
      },
    });
  });

  test("waits until nobody knows when, where the app may not see an order", async () => {
    const { id, api, found } = await known();
    shop.order(id, { daysAgo: 100 });
    Object.assign(shop.customer(id) ?? {}, { ordersHidden: true });
    await found.erase?.();
    const { retained } = (await became(api, id, NOW)) as { retained?: object };
    expect(Object.keys(retained ?? {})).toEqual(["basis", "categories"]);
  });

  test("whose answer was lost shows by what keeps the customer from being merged", async () => {
    const { id, gid, api, found } = await known();
    expect(await became(api, id)).toEqual({ state: "there" });
    await found.erase?.();
    const before = shop.requests.length;
    const until = "2026-11-30T10:00:00.000Z"; // at the latest
    expect(await became(api, id)).toMatchObject({ state: "pending", retained: { until } });
    expect(asked(before)).toEqual([
      ["query LeftOfCustomer", { id: gid }],
      ["query MarkOfErasure", { id: gid }],
    ]);
  });

  test("that somebody called off is not waited for; Shopify has a day to show that it took it", async () => {
    const { id, api, found } = await known();
    const { receipt = null } = (await found.erase?.()) ?? {};
    Object.assign(shop.customer(id) ?? {}, { erasing: false });
    expect(await became(api, id, receipt)).toMatchObject({ state: "pending" });
    vi.advanceTimersByTime(25 * 3_600_000);
    expect(await became(api, id, receipt)).toEqual({ state: "there" });
  });

  test("is waited for, where the app may not see what keeps customers from being merged", async () => {
    const { id, api, found } = await known();
    await found.erase?.();
    const denied = [{ message: `for ${ADDRESS}`, extensions: { code: "ACCESS_DENIED" } }];
    world.answer = async (request) =>
      (await request.clone().text()).includes("MarkOfErasure")
        ? HttpResponse.json({ errors: denied })
        : shop.handle(request);
    vi.advanceTimersByTime(25 * 3_600_000);
    expect(await became(api, id, NOW)).toMatchObject({ state: "pending" });
    expect(await became(api, id)).toEqual({ state: "there" });
  });

  test("is not believed to be called off because Shopify fails", async () => {
    const { id, api, found } = await known();
    await found.erase?.();
    world.answer = async (request) =>
      (await request.clone().text()).includes("MarkOfErasure")
        ? HttpResponse.json({}, { status: 500 })
        : shop.handle(request);
    expect(await failure(became(api, id, NOW))).toEqual(code("platform/unavailable", { retry: true }));
  });

  test.each(["email_marketing", "sms_marketing"] as const)(
    "is done where %s is `REDACTED`, which Shopify alone sets",
    async (channel) => {
      const { id, api } = await known();
      shop.hold(id, channel, "REDACTED");
      expect(await became(api, id, NOW)).toEqual({ state: "gone" });
    },
  );

  test("of who is not there any more is no error when it is looked up", async () => {
    expect(await became(await openRights(shop), "1", NOW)).toEqual({ state: "gone" });
  });

  test("that Shopify does not take is an error, and nothing was done", async () => {
    const { found } = await known();
    await found.erase?.();
    expect(await failure(Promise.resolve(found.erase?.()))).toEqual(
      code("platform/refused", { retry: false }),
    );
    const answer = { erasure: { customerId: null, userErrors: [{ code: "DOES_NOT_EXIST" }] } };
    world.answer = () => HttpResponse.json({ data: answer });
    expect(await failure(Promise.resolve(found.erase?.()))).toEqual(code("platform/refused"));
    const message = `Access denied for customerRequestDataErasure of ${ADDRESS}`;
    world.answer = () => HttpResponse.json({ errors: [{ message, extensions: { code: "ACCESS_DENIED" } }] });
    expect(await failure(Promise.resolve(found.erase?.()))).toEqual(code("platform/unauthorised"));
  });
});
