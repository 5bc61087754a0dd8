import { HttpResponse } from "msw";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Personal } from "#schemas";
import { type SimulatedStripe, simulateStripe } from "../../test/support/platforms/stripe.ts";
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
const BASE = "https://api.stripe.com/v1/";

let stripe: SimulatedStripe;
beforeEach(() => {
  stripe = simulateStripe();
  world.platforms = [stripe];
});
/** What was asked for, without what finds the person. */
const asked = (from = 0) =>
  stripe.requests
    .slice(from)
    .map(({ method, url, body }) =>
      [method, decodeURIComponent(url.replace(BASE, "")), decodeURIComponent(body)]
        .filter((one) => one !== "")
        .join(" "),
    );

describe("a person is found", () => {
  test("by the id, with the connection's key, and nothing about this machine", async () => {
    const id = stripe.add({ email: ADDRESS });
    expect(await ids(await openRights(stripe), person(id))).toEqual([id]);
    expect(asked()).toEqual([`GET customers/${id}`]);
    const headers = stripe.requests[0]?.headers ?? {};
    expect(headers).toMatchObject({
      authorization: "Bearer rk_live_s3cret",
      "stripe-version": expect.stringMatching(/^\d{4}-\d\d-\d\d\.[a-z]+$/),
    });
    expect(Object.keys(headers)).not.toContain("x-stripe-client-telemetry");
    expect(headers["x-stripe-client-user-agent"]).not.toMatch(/telemetry_id|platform/);
  });

  test("by an address as it was written, in small letters, and in any other case", async () => {
    const some = [ADDRESS, "Carla@Canary.example", "CARLA@canary.example"].map((email) =>
      stripe.add({ email }),
    );
    stripe.add({ email: "somebody@else.example" });
    const found = await ids(await openRights(stripe), person("Carla@Canary.example"));
    expect(found.toSorted()).toEqual(some.toSorted());
    expect(asked()).toEqual([
      "GET customers?email=Carla@Canary.example&limit=100",
      `GET customers?email=${ADDRESS}&limit=100`,
      `GET customers/search?query=email:"${ADDRESS}"&limit=100`,
    ]);
  });

  test("once, though by the id and by the address", async () => {
    const id = stripe.add({ email: ADDRESS });
    expect(await ids(await openRights(stripe), person(id, ADDRESS))).toEqual([id]);
  });

  test("where there is no search, too", async () => {
    stripe = simulateStripe({ search: false });
    world.platforms = [stripe];
    const id = stripe.add({ email: ADDRESS });
    expect(await ids(await openRights(stripe), person(ADDRESS))).toEqual([id]);
  });

  test("not by what the search finds beside it, nor by an address that would end its text", async () => {
    world.answer = ({ url }) =>
      HttpResponse.json({
        has_more: false,
        data: url.includes("search") ? [{ id: "cus_other", email: "carla@canary.example.org" }] : [],
      });
    const api = await openRights(stripe);
    expect(await ids(api, person(ADDRESS))).toEqual([]);
    world.answer = undefined;
    expect(await ids(api, person('"carla"@canary.example'))).toEqual([]);
    expect(asked().filter((one) => one.includes("search"))).toEqual([]);
  });

  test("not by a phone, an id of another platform, or where Stripe knows nobody or has deleted them", async () => {
    const id = stripe.add({ email: ADDRESS, phone: "+16135550188" });
    const api = await openRights(stripe);
    expect(await ids(api, person("+16135550188", "706405506930370084"))).toEqual([]);
    expect(stripe.requests).toHaveLength(0);
    expect(await ids(api, person("cus_nobody", "nobody@canary.example"))).toEqual([]);
    stripe.pay(id);
    await (await entry(api, person(id))).erase?.();
    expect(await ids(api, person(id, ADDRESS))).toEqual([]);
  });

  test("in the account that the webhooks come from, where it is a connected one", async () => {
    stripe = simulateStripe({ account: "acct_1" });
    world.platforms = [stripe];
    const id = stripe.add({ email: ADDRESS });
    expect(await ids(await openRights(stripe), person(id))).toEqual([id]);
  });
});

describe("access", () => {
  test("gives all that hangs on the customer, page by page, without secrets", async () => {
    const id = stripe.add({ email: ADDRESS });
    for (let n = 0; n < 101; n++) stripe.pay(id, n);
    stripe.attach(id, "invoices", { customer_email: ADDRESS });
    stripe.attach(id, "subscriptions", { ended_at: 1_700_000_000 });
    stripe.attach(id, "checkout/sessions", {});
    stripe.pay(stripe.add({ email: "somebody@else.example" }));
    const found = await entry(await openRights(stripe), person(id));
    const before = stripe.requests.length;
    const { records, incomplete } = await collectedFrom(found);
    expect(Object.entries(records).map(([title, { length }]) => [title, length])).toEqual([
      ["customers", 1],
      ["charges", 101],
      ["payment_intents", 101],
      ["payment_methods", 0],
      ["invoices", 1],
      ["subscriptions", 1],
      ["checkout_sessions", 1],
    ]);
    expect(records["customers"][0]).toMatchObject({ id, email: ADDRESS, name: "Carla Canary" });
    expect(JSON.stringify(records)).not.toContain("s3cret");
    expect(incomplete).toEqual([]);
    const last = records["charges"][99].id;
    expect(asked(before)).toEqual([
      `GET customers/${id}?expand[]=tax_ids`,
      `GET charges?customer=${id}&limit=100`,
      `GET charges?customer=${id}&limit=100&starting_after=${last}`,
      `GET payment_intents?customer=${id}&limit=100`,
      expect.stringContaining("GET payment_intents?"),
      `GET payment_methods?customer=${id}&limit=100`,
      `GET invoices?customer=${id}&limit=100`,
      `GET subscriptions?customer=${id}&status=all&limit=100`,
      `GET checkout/sessions?customer=${id}&limit=100`,
    ]);
  });

  test("says where it stopped", async () => {
    const found = await entry(await openRights(stripe), person(stripe.add({ email: ADDRESS })));
    world.answer = ({ url }) =>
      url.includes("/customers/")
        ? HttpResponse.json({ id: "cus_1" })
        : HttpResponse.json({ data: [{ id: "ch_1" }], has_more: url.includes("/charges") });
    const { records, incomplete } = await collectedFrom(found);
    expect(incomplete).toEqual(["charges"]);
    expect(records["charges"]).toHaveLength(50);
  });
});

describe("a rectification", () => {
  const address = {
    ...{ line1: new Personal("2 Canary Wharf"), city: new Personal("London"), country: "GB" },
    postalCode: new Personal("E14 5AB"),
  };

  test("sets what was wrong, in one request, and says what is held", async () => {
    const id = stripe.add({ email: ADDRESS });
    const found = await entry(await openRights(stripe), person(id));
    const before = stripe.requests.length;
    const right = {
      ...{ email: "carla.canary@canary.example", phone: "+16135550199" },
      ...{ givenName: "Karla", familyName: "Canary" },
    };
    expect(await found.rectify?.({ ...corrections(right), address })).toEqual({
      held: ["email", "phone", "givenName", "familyName", "address"],
      accepted: [],
      unsupported: [],
    });
    expect(asked(before)).toHaveLength(1);
    expect(stripe.customer(id)).toMatchObject({
      ...{ email: "carla.canary@canary.example", phone: "+16135550199", name: "Karla Canary" },
      address: { line1: "2 Canary Wharf", line2: null, postal_code: "E14 5AB", state: null, country: "GB" },
    });
  });

  test("of half a name is not possible, and nothing is sent", async () => {
    const found = await entry(await openRights(stripe), person(stripe.add({ email: ADDRESS })));
    const before = stripe.requests.length;
    expect(await found.rectify?.(corrections({ familyName: "Kanary" }))).toEqual({
      ...{ held: [], accepted: [], unsupported: ["familyName"] },
    });
    expect(stripe.requests).toHaveLength(before);
  });

  test("that is not held yet is only accepted", async () => {
    const id = stripe.add({ email: ADDRESS });
    const found = await entry(await openRights(stripe), person(id));
    world.answer = () => HttpResponse.json({ id, email: ADDRESS });
    expect(await found.rectify?.(corrections({ email: "other@canary.example" }))).toEqual({
      ...{ held: [], accepted: ["email"], unsupported: [] },
    });
  });
});

describe("Stripe, when it fails", () => {
  test("ends the call as it should, after one request, at every request", async () => {
    const id = stripe.add({ email: ADDRESS });
    stripe.pay(id, 100);
    const api = await openRights(stripe);
    const found = await entry(api, person(id));
    await failsAsItShould(world, stripe, [
      () => api.find(person(id)),
      () => api.find(person(ADDRESS)),
      async () => found.collect?.(),
      async () => found.erase?.(),
      async () => found.rectify?.(corrections({ email: ADDRESS })),
      () => became(api, id),
      () => became(api, id, "prj_1"),
    ]);
    expect(stripe.jobs).toEqual([]);
    expect(stripe.has(id)).toBe(true);
  });

  test.each([
    [403, "platform/unauthorised"],
    [400, "platform/refused"],
    [500, "platform/unavailable"],
  ])("with %i to redact somebody, does not have them deleted instead", async (status, expected) => {
    const id = stripe.add({ email: ADDRESS });
    const found = await entry(await openRights(stripe), person(id));
    world.answer = (request) =>
      request.url.includes("/privacy/") ? HttpResponse.json({}, { status }) : stripe.handle(request);
    expect(await failure(Promise.resolve(found.erase?.()))).toEqual(code(expected));
    expect(asked().filter((one) => one.startsWith("DELETE"))).toEqual([]);
  });

  test("to find who was there a moment ago, has done nothing", async () => {
    const id = stripe.add({ email: ADDRESS });
    const found = await entry(await openRights(stripe), person(id));
    const other = await openRights(stripe, { credentials: { redaction: false } });
    const same = await entry(other, person(id));
    await same.erase?.();
    expect(await failure(Promise.resolve(same.erase?.()))).toEqual(code("platform/refused"));
    expect(await failure(Promise.resolve(found.rectify?.(corrections({ email: ADDRESS }))))).toEqual(
      code("platform/refused", { retry: false }),
    );
  });

  test.each([
    ["a page", () => HttpResponse.html("<html>", { status: 401 }), "platform/unauthorised"],
    ["a page instead of JSON", () => HttpResponse.html("<html>"), "platform/unavailable"],
    ["half an answer", () => new HttpResponse('{"id":'), "platform/unavailable"],
    ["something else", () => HttpResponse.json({ id: 7 }), "platform/unreadable"],
    ["a redirect", () => HttpResponse.redirect("https://attacker.example/", 307), "platform/refused"],
  ])("with %s, is not believed", async (_, answer, expected) => {
    world.answer = answer;
    expect(await failure((await openRights(stripe)).find(person("cus_1")))).toEqual(code(expected));
  });

  test("by closing the connection, is not asked again by the SDK, which would", async () => {
    const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
      throw Object.assign(new Error(`socket hang up for ${ADDRESS}`), { code: "ECONNRESET" });
    });
    const api = await openRights(stripe);
    expect(await failure(api.find(person("cus_1")))).toEqual(code("platform/unavailable", { retry: true }));
    expect(fetched).toHaveBeenCalledTimes(1);
  });
});

test("two connections call with their own keys at the same time", async () => {
  const other = simulateStripe({ apiKey: "rk_live_other" });
  const seen: (string | null)[] = [];
  world.answer = (request) => {
    const key = request.headers.get("authorization");
    seen.push(key);
    return (key === "Bearer rk_live_other" ? other : stripe).handle(request);
  };
  const known = [stripe.add({ email: ADDRESS }), other.add({ email: "other@canary.example" })];
  const apis = [await openRights(stripe), await openRights(other)] as const;
  const found = await Promise.all(
    Array.from({ length: 10 }, (_, n) => ids(n % 2 === 0 ? apis[0] : apis[1], person(String(known[n % 2])))),
  );
  expect(found.flat()).toEqual(Array.from({ length: 10 }, (_, n) => known[n % 2]));
  expect(seen.filter((key) => key === "Bearer rk_live_other")).toHaveLength(5);
});
