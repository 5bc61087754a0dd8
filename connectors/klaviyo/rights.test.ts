import { describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { type KlaviyoOptions, simulateKlaviyo } from "../../test/support/platforms/klaviyo.ts";
import { code, failure } from "../api.support.ts";
import { asked, FAULTS, hurry, person, reports, silence, simulated } from "../consent.support.ts";
import {
  entryOf,
  faultOfUnknownKey,
  opened,
  openRights,
  stateOf,
  unfinished,
} from "../open-rights.support.ts";

const world = simulated();

const CARLA = { email: "carla+news@example.com", phone: "+14165550123" };
const API = "https://a.klaviyo.com/api";
const FULL = "additional-fields[profile]=subscriptions,predictive_analytics";
const DELETION = `POST ${API}/data-privacy-deletion-jobs`;

async function klaviyo(options: KlaviyoOptions = {}) {
  const platform = simulateKlaviyo(options);
  world.platforms = [platform];
  return { platform, api: await openRights(platform) };
}
async function carla(options: KlaviyoOptions = {}) {
  const { platform, api } = await klaviyo(options);
  const id = platform.add(CARLA);
  return { platform, api, id, entry: await entryOf(api, id) };
}

describe("profiles are found", () => {
  test("by every id and every e-mail address, each once", async () => {
    const { platform, api } = await klaviyo();
    const [id, other] = [platform.add(CARLA), platform.add({ email: "carla2@example.com" })];
    const entries = await api.find(person(id, "01GONE", CARLA.email, "carla2@example.com"));
    expect(entries.map((entry) => entry.id.reveal())).toEqual([id, other]);
    expect(asked(platform)).toEqual([
      [`GET ${API}/profiles/${id}?${FULL}`],
      [`GET ${API}/profiles/01GONE?${FULL}`],
      [`GET ${API}/profiles?${FULL}&filter=equals(email,"${CARLA.email}")`],
      [`GET ${API}/profiles?${FULL}&filter=equals(email,"carla2@example.com")`],
    ]);
  });

  test("not where there is none, nor by a phone number, which several can share", async () => {
    const { platform, api } = await klaviyo();
    platform.add(CARLA);
    expect(await api.find(person("01GONE", "nobody@example.com", CARLA.phone))).toEqual([]);
  });
});

describe("all that there is of a profile", () => {
  test("is itself with its consent, its lists, segments, push tokens, and named events", async () => {
    const { platform, id, entry } = await carla();
    const records = platform.records(id);
    records.lists.push({ id: "Y6nRLr", name: "Newsletter" });
    records.segments.push({ id: "WzLXF6", name: "VIP" });
    records["push-tokens"].push({ id: "tok", token: "1234567890", platform: "ios" });
    records.events.push({ id: "e1", metric: "Placed Order", event_properties: { OrderId: "#1042" } });
    const before = platform.requests.length;
    const sets = await entry.collect();
    expect(opened(sets)).toEqual({
      profile: [
        expect.objectContaining({
          ...{ id, email: CARLA.email, phone_number: CARLA.phone, first_name: "Carla" },
          subscriptions: expect.objectContaining({ sms: expect.anything() }),
        }),
      ],
      lists: [{ id: "Y6nRLr", name: "Newsletter" }],
      segments: [{ id: "WzLXF6", name: "VIP" }],
      "push tokens": [{ id: "tok", token: "1234567890", platform: "ios" }],
      events: [{ id: "e1", metric: "Placed Order", event_properties: { OrderId: "#1042" } }],
    });
    expect(unfinished(sets)).toEqual([]);
    expect(asked(platform).slice(before)).toEqual([
      [`GET ${API}/profiles/${id}/lists`],
      [`GET ${API}/profiles/${id}/segments?fields[segment]=name,created,updated`],
      [`GET ${API}/profiles/${id}/push-tokens`],
      [`GET ${API}/events?filter=equals(profile_id,"${id}")&include=metric&page[size]=200&sort=-datetime`],
    ]);
  });

  test("is paged until its end, wherever the links point to", async () => {
    const { platform, id, entry } = await carla();
    const all = Array.from({ length: 401 }, (_, n) => ({ id: `e${n}`, metric: "Opened Email" }));
    platform.records(id).events.push(...all);
    world.answer = async (request) => {
      const text = await (await platform.handle(request)).text();
      return new Response(text.replace("https://a.klaviyo.com/api/events?", "https://elsewhere.example/?"));
    };
    const sets = await entry.collect();
    expect(opened(sets)["events"]).toEqual(all);
    expect(unfinished(sets)).toEqual([]);
  });

  test("ends somewhere, and says so", async () => {
    const { platform, id, entry } = await carla();
    platform
      .records(id)
      .events.push(...Array.from({ length: 10_300 }, (_, n) => ({ id: `e${n}`, metric: "Opened Email" })));
    const sets = await entry.collect();
    expect(opened(sets)["events"]).toHaveLength(10_000);
    expect(unfinished(sets)).toEqual(["events"]);
  });

  test("keeps numbers that JavaScript would round", async () => {
    const { platform, id, entry } = await carla();
    platform.records(id).events.push({ id: "e1", metric: "Placed Order", order: "9007199254740993123" });
    world.answer = async (request) => {
      const text = await (await platform.handle(request)).text();
      return new Response(text.replace('"9007199254740993123"', "9007199254740993123"));
    };
    expect(opened(await entry.collect())["events"]).toMatchObject([{ order: "9007199254740993123" }]);
  });
});

describe("a profile is erased", () => {
  test("by its id and nothing else, which Klaviyo accepts and does later", async () => {
    const { platform, api, id, entry } = await carla();
    const twin = platform.add(CARLA);
    expect(await stateOf(api, entry, null)).toEqual({ state: "there" });
    expect(await entry.erase()).toEqual({ receipt: "202" });
    const profile = { data: { type: "profile", id, attributes: {} } };
    expect(asked(platform).at(-1)).toEqual([
      DELETION,
      { data: { type: "data-privacy-deletion-job", attributes: { profile } } },
    ]);
    expect(await stateOf(api, entry, "202")).toEqual({ state: "pending" });
    platform.finish?.();
    expect([platform.has(id), platform.has(twin)]).toEqual([false, true]);
    expect(await stateOf(api, entry, "202")).toEqual({
      state: "gone",
      // The list of deleted profiles, which Klaviyo keeps.
      retained: { basis: "legal_obligation", categories: ["email_address", "telephone_number"] },
    });
  });

  test("a second time without harm, even to one that comes after it", async () => {
    const { platform, api, id, entry } = await carla();
    await entry.erase();
    platform.finish?.();
    const successor = platform.add(CARLA);
    expect(await entry.erase()).toEqual({ receipt: "202" });
    platform.finish?.();
    expect([platform.has(id), platform.has(successor)]).toEqual([false, true]);
    expect(await stateOf(api, entry, null)).toMatchObject({ state: "gone" });
  });

  test("and an event of before may still be told of afterwards", async () => {
    const { platform, id, entry } = await carla({ straggler: true });
    await entry.erase();
    platform.finish?.();
    expect(await reports(platform)).toMatchObject([
      { events: [{ records: [{ type: "subject", platformId: [id], email: [CARLA.email] }, {}, {}] }] },
    ]);
  });
});

describe("a profile is corrected", () => {
  const address = {
    ...{ line1: new Personal("Torstr. 1"), city: new Personal("Berlin"), country: "DE" },
    postalCode: new Personal("10119"),
  };

  test("in one request, which answers with what is held", async () => {
    const { platform, id, entry } = await carla();
    const corrections = {
      ...{ email: new Personal("carla.new@example.com"), phone: new Personal("+14165550199") },
      ...{ givenName: new Personal("Karla"), familyName: new Personal("Nguyễn"), address },
    };
    expect(await entry.rectify(corrections)).toEqual({
      ...{ held: ["email", "phone", "givenName", "familyName", "address"], accepted: [], unsupported: [] },
    });
    const attributes = {
      ...{ email: "carla.new@example.com", phone_number: "+14165550199" },
      ...{ first_name: "Karla", last_name: "Nguyễn" },
      location: {
        ...{ address1: "Torstr. 1", address2: null, city: "Berlin", region: null, zip: "10119" },
        // The country by its name, and nothing left of where the old address was.
        ...{ country: "Germany", latitude: null, longitude: null },
      },
    };
    expect(asked(platform).at(-1)).toEqual([
      `PATCH ${API}/profiles/${id}`,
      { data: { type: "profile", id, attributes } },
    ]);
  });

  test("in nothing that was not wrong", async () => {
    const { platform, id, entry } = await carla();
    await entry.rectify({ familyName: new Personal("Ng") });
    expect(asked(platform).at(-1)).toEqual([
      `PATCH ${API}/profiles/${id}`,
      { data: { type: "profile", id, attributes: { last_name: "Ng" } } },
    ]);
    expect(await entry.rectify({})).toEqual({ held: [], accepted: [], unsupported: [] });
  });

  test("as accepted only, where Klaviyo then holds something else", async () => {
    const { entry } = await carla();
    world.answer = () => Response.json({ data: { attributes: { first_name: "KARLA" } } });
    expect(await entry.rectify({ givenName: new Personal("Karla") })).toMatchObject({
      ...{ held: [], accepted: ["givenName"] },
    });
  });

  test("not to the address of another profile", async () => {
    const { platform, entry } = await carla();
    platform.add({ email: "dan@example.com" });
    const taken = entry.rectify({ email: new Personal("dan@example.com") });
    expect(await failure(taken)).toEqual(code("platform/refused", { retry: false }));
  });
});

describe("when Klaviyo fails", () => {
  test.each(FAULTS)("%j is %s, after one request of each", async (fault, expected, retry, retryAfter) => {
    const { platform, api, id, entry } = await carla();
    platform.fail(fault);
    const calls = [
      () => api.find(person(id)),
      () => api.find(person(CARLA.email)),
      () => entry.collect(),
      () => entry.erase(),
      () => stateOf(api, entry, "202"),
      () => entry.rectify({ givenName: new Personal("canary") }),
    ];
    for (const call of calls) {
      const before = platform.requests.length;
      expect(await failure(call())).toEqual(code(expected, { retry, retryAfter }));
      expect(platform.requests).toHaveLength(before + 1);
    }
    platform.finish?.();
    expect(platform.has(id)).toBe(true);
  });

  test("what it does not find where something has to be is an error, and nothing that is done", async () => {
    const { platform, entry } = await carla();
    platform.fail({ status: 404 });
    const calls = [entry.collect(), entry.erase(), entry.rectify({ givenName: new Personal("canary") })];
    for (const call of calls) expect(await failure(call)).toEqual(code("platform/refused"));
  });

  test("an answer that never comes is given up", async () => {
    const { api, id, entry } = await carla();
    world.answer = silence;
    hurry(30);
    for (const call of [() => api.find(person(id)), () => entry.erase(), () => entry.collect()])
      expect(await failure(call())).toEqual(code("platform/unavailable", { retry: true }));
  });

  test("an answer that is no profile is nobody who is gone", async () => {
    const { api, entry } = await carla();
    world.answer = () => new Response("<html>carla@example.com");
    expect(await failure(stateOf(api, entry, "202"))).toEqual(code("platform/unreadable"));
  });
});

test("two accounts at the same time each have their own key, and their own profile erased", async () => {
  const accounts = ["pk_s3cret_a", "pk_s3cret_b"].map((privateKey) => simulateKlaviyo({ privateKey }));
  const [a, b] = accounts;
  if (a === undefined || b === undefined) throw new Error("two");
  world.platforms = [a];
  world.answer = (request) =>
    (request.headers.get("authorization") === "Klaviyo-API-Key pk_s3cret_a" ? a : b).handle(request);
  const ids = [a.add(CARLA), b.add({ email: "dan@example.com" })];
  const kept = b.add(CARLA);
  await Promise.all(
    accounts.map(async (account, n) => (await entryOf(await openRights(account), ids[n] ?? "")).erase()),
  );
  for (const account of accounts) account.finish?.();
  for (const { requests } of accounts)
    expect(new Set(requests.map(({ headers }) => headers["authorization"])).size).toBe(1);
  expect([a.has(ids[0] ?? ""), b.has(ids[1] ?? ""), b.has(kept)]).toEqual([false, false, true]);
});

test("credentials with a key that is not known are refused, and it is named", () => {
  expect(faultOfUnknownKey("klaviyo", { privateKey: "pk_1" }, "audience")).toEqual([
    expect.stringContaining('"audience"'),
  ]);
});
