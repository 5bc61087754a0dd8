import { HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Personal } from "#schemas";
import { type SimulatedShopify, simulateShopify } from "../../test/support/platforms/shopify.ts";
import { code, failure } from "../api.support.ts";
import { person, simulated } from "../consent.support.ts";
import {
  became,
  collectedFrom,
  corrections,
  entry,
  failsAsItShould,
  ids,
  openRights,
} from "../rights.support.ts";

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

describe("a person is found", () => {
  test("by the id and by addresses, in one request that asks for nothing but ids", async () => {
    const id = shop.add({ email: ADDRESS, phone: PHONE });
    const second = shop.add({ email: "carla.2@canary.example" });
    expect(id).toBe("706405506930370084"); // which as a number is another one
    const api = await openRights(shop);
    expect(await ids(api, person(id, ADDRESS, "Carla.2@canary.example", PHONE))).toEqual([id, second]);
    expect(shop.requests).toHaveLength(1);
    expect(JSON.parse(shop.requests[0]?.body ?? "")).toMatchInlineSnapshot(`
      {
        "query": "query KnownCustomers($by0: CustomerIdentifierInput!, $by1: CustomerIdentifierInput!, $by2: CustomerIdentifierInput!) {
        by0: customerByIdentifier(identifier: $by0) { ...Found }
        by1: customerByIdentifier(identifier: $by1) { ...Found }
        by2: customerByIdentifier(identifier: $by2) { ...Found }
      }
      fragment Found on Customer { id }",
        "variables": {
          "by0": {
            "id": "gid://shopify/Customer/706405506930370084",
          },
          "by1": {
            "emailAddress": "carla@canary.example",
          },
          "by2": {
            "emailAddress": "Carla.2@canary.example",
          },
        },
      }
    `);
  });

  test("not by a number alone, which may be shared, nor by another platform's id", async () => {
    shop.add({ email: "somebody@else.example", phone: PHONE });
    const api = await openRights(shop);
    expect(await ids(api, person(PHONE, "cus_9s6XKzkNRiz8i3"))).toEqual([]);
    expect(shop.requests).toHaveLength(0);
    expect(await ids(api, person("1", ADDRESS, PHONE))).toEqual([]);
  });
});

describe("access", () => {
  test("gives the customer with addresses, metafields and orders, page by page, ids and numbers whole", async () => {
    const { id, gid, found } = await known();
    for (let n = 0; n < 23; n++) shop.order(id, { daysAgo: 300 - n });
    const before = shop.requests.length;
    const { records, incomplete } = await collectedFrom(found);
    expect(Object.entries(records).map(([title, { length }]) => [title, length])).toEqual([
      ["customer", 1],
      ["addresses", 1],
      ["metafields", 1],
      ["orders", 23],
    ]);
    expect(incomplete).toEqual([]);
    expect(records["customer"][0]).toMatchObject({
      ...{ id: gid, firstName: "Carla", numberOfOrders: "23", tags: ["vip"] },
      defaultEmailAddress: { emailAddress: ADDRESS, marketingState: "NOT_SUBSCRIBED" },
      defaultPhoneNumber: { phoneNumber: PHONE },
    });
    expect(records["customer"][0]).not.toHaveProperty("metafields");
    expect(records["addresses"]).toMatchObject([{ address1: "1 Canary Wharf", zip: "E14 5AB" }]);
    expect(records["metafields"]).toMatchObject([{ key: "shoe", value: "9007199254740993" }]);
    expect(records["orders"][22]).toMatchObject({
      clientIp: "203.0.113.7",
      lineItems: [{ title: "Thing 0", originalTotalSet: { shopMoney: { amount: "19.99" } } }],
    });
    const orders = { id: gid, first: 10, lines: 20 };
    expect(asked(before)).toEqual([
      ["query CustomerData", { id: gid, most: 100 }],
      ["query CustomerOrders", { ...orders, after: null }],
      ["query CustomerOrders", { ...orders, after: "10" }],
      ["query CustomerOrders", { ...orders, after: "20" }],
    ]);
  });

  test("says what is not whole: orders that the app may not see, or with more lines than were read", async () => {
    const { id, found } = await known();
    shop.order(id, { lines: 21 });
    expect((await collectedFrom(found)).incomplete).toEqual(["orders"]);
    const hidden = shop.add({ email: "hidden@canary.example" });
    for (const daysAgo of [61, 59]) shop.order(hidden, { daysAgo });
    Object.assign(shop.customer(hidden) ?? {}, { ordersHidden: true });
    const { records, incomplete } = await collectedFrom(await entry(await openRights(shop), person(hidden)));
    expect(records["orders"]).toHaveLength(1);
    expect(incomplete).toEqual(["orders"]);
    const many = shop.add({ email: "many@canary.example" });
    const metafield = { namespace: "custom", key: "one", type: "boolean", value: "true" };
    Object.assign(shop.customer(many) ?? {}, { metafields: Array.from({ length: 101 }, () => metafield) });
    const all = await collectedFrom(await entry(await openRights(shop), person(many)));
    expect(all.incomplete).toEqual(["metafields"]);
  });
});

describe("a rectification", () => {
  const address = {
    ...{ line1: new Personal("2 Canary Row"), city: new Personal("Ottawa"), country: "CA" },
    ...{ postalCode: new Personal("K1A 0B1"), region: new Personal("CA-ON") },
  };

  test("sets what was wrong, the default address apart, and says what is held", async () => {
    const { id, gid, found } = await known();
    const [{ id: addressId } = { id: "" }] = shop.customer(id)?.addresses ?? [];
    const before = shop.requests.length;
    const right = { email: "Karla@canary.example", phone: "+16135550199", givenName: "Karla" };
    expect(await found.rectify?.({ ...corrections(right), address })).toEqual({
      ...{ held: ["email", "phone", "givenName", "address"], accepted: [], unsupported: [] },
    });
    const { email, phone, givenName: firstName } = right;
    expect(asked(before)).toEqual([
      ["mutation CorrectCustomer", { input: { id: gid, email, phone, firstName } }],
      ["query DefaultAddress", { id: gid }],
      [
        "mutation CorrectAddress",
        {
          ...{ id: gid, addressId },
          address: {
            ...{ address1: "2 Canary Row", address2: "", zip: "K1A 0B1", city: "Ottawa" },
            ...{ provinceCode: "ON", countryCode: "CA" },
          },
        },
      ],
    ]);
    expect(shop.customer(id)).toMatchObject({
      ...{ firstName: "Karla", lastName: "Canary", email: "karla@canary.example" },
      addresses: [{ id: addressId, address1: "2 Canary Row", address2: null, provinceCode: "ON" }],
    });
  });

  test("makes an address where there is none", async () => {
    const { id, found } = await known();
    Object.assign(shop.customer(id) ?? {}, { addresses: [] });
    expect(await found.rectify?.({ address })).toMatchObject({ held: ["address"] });
    expect(asked().at(-1)?.[0]).toBe("mutation AddAddress");
  });

  test("leaves an address alone whose region has no code", async () => {
    const { found } = await known();
    const before = shop.requests.length;
    const wished = { ...address, region: new Personal("Ontario") };
    expect(await found.rectify?.({ address: wished })).toEqual({
      ...{ held: [], accepted: [], unsupported: ["address"] },
    });
    expect(shop.requests).toHaveLength(before);
  });

  test("to an address that another customer has is refused", async () => {
    const { found } = await known();
    shop.add({ email: "taken@canary.example" });
    expect(
      await failure(Promise.resolve(found.rectify?.(corrections({ email: "taken@canary.example" })))),
    ).toEqual(code("platform/refused", { retry: false }));
  });

  test("that is not held yet is only accepted", async () => {
    const { found } = await known();
    const customer = { firstName: "Carla", lastName: null, email: null, phone: null };
    world.answer = () => HttpResponse.json({ data: { changed: { customer, userErrors: [] } } });
    expect(await found.rectify?.(corrections({ givenName: "Karla", familyName: "Kanary" }))).toEqual({
      ...{ held: [], accepted: ["givenName", "familyName"], unsupported: [] },
    });
  });
});

describe("Shopify, when it fails", () => {
  test("ends the call as it should, after one request, at every request", async () => {
    const { id, api, found } = await known();
    await failsAsItShould(world, shop, [
      () => api.find(person(id)),
      async () => found.collect?.(),
      async () => found.erase?.(),
      async () => found.rectify?.(corrections({ email: ADDRESS })),
      () => became(api, id, NOW),
    ]);
    expect(shop.customer(id)).toMatchObject({ erasing: false, email: ADDRESS });
  });

  test("at the second page of orders, does not say that it was all", async () => {
    const { id, found } = await known();
    for (let n = 0; n < 11; n++) shop.order(id);
    world.answer = async (request) =>
      (await request.clone().text()).includes('"after":"10"')
        ? HttpResponse.json({}, { status: 502 })
        : shop.handle(request);
    expect(await failure(Promise.resolve(found.collect?.()))).toEqual(code("platform/unavailable"));
  });

  test("with something else than was asked for, is not believed", async () => {
    const { id, api, found } = await known();
    world.answer = () => HttpResponse.json({ data: { customer: { id: 7 }, erasure: {}, changed: {} } });
    for (const call of [found.collect, found.erase, () => found.rectify?.(corrections({ email: ADDRESS }))])
      expect(await failure(Promise.resolve(call?.()))).toEqual(code("platform/unreadable"));
    expect(await failure(became(api, id))).toEqual(code("platform/unreadable"));
  });
});

test("two connections call their own shops at the same time", async () => {
  const other = simulateShopify({ shop: "other.myshopify.com", accessToken: "shpat_other" });
  world.platforms = [shop, other];
  const there = [shop.add({ email: ADDRESS }), other.add({ email: ADDRESS })];
  const apis = await Promise.all([openRights(shop), openRights(other)]);
  await Promise.all(apis.map(async (api) => (await entry(api, person(ADDRESS))).erase?.()));
  for (const [n, one] of [shop, other].entries()) {
    expect(one.requests).toHaveLength(2);
    expect(one.customer(there[n] ?? "")?.erasing).toBe(true);
  }
});
