import { describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { type CustomerIoOptions, simulateCustomerIo } from "../../test/support/platforms/customerio.ts";
import { code, failure } from "../api.support.ts";
import { asked, FAULTS, hurry, person, reports, silence, simulated } from "../consent.support.ts";
import { entryOf, faultOfUnknownKey, openRights, stateOf } from "../open-rights.support.ts";

const world = simulated();

const CARLA = { email: "carla+news@example.com", phone: "+14165550123" };
const APP = "https://api.customer.io/v1";
const TRACK = "https://track.customer.io/api/v1";
const CIO_ID = "d9c10600000001";
const ATTRIBUTES = (id: string, type: string) => [`GET ${APP}/customers/${id}/attributes?id_type=${type}`];

async function carla(options: CustomerIoOptions = {}) {
  const platform = simulateCustomerIo(options);
  world.platforms = [platform];
  const api = await openRights(platform);
  const id = platform.add(CARLA);
  return { platform, api, id, entry: await entryOf(api, id) };
}
const gone = (platform: { has(id: string): boolean }, id: string) =>
  expect.poll(() => platform.has(id), { interval: 5 }).toBe(false);

describe("people are found", () => {
  test("by every id and every e-mail address, each once", async () => {
    const { platform, api, id } = await carla();
    const twin = platform.add({ email: CARLA.email });
    const before = platform.requests.length;
    const entries = await api.find(person(id, CIO_ID, "usr_gone", CARLA.email));
    expect(entries.map((entry) => entry.id.reveal())).toEqual([CIO_ID, "d9c10600000002"]);
    expect(twin).toBe("usr_2472");
    expect(asked(platform).slice(before)).toEqual([
      ATTRIBUTES(id, "id"),
      ATTRIBUTES("usr_gone", "id"),
      ATTRIBUTES("usr_gone", "cio_id"),
      [`GET ${APP}/customers?email=${CARLA.email}`],
      ATTRIBUTES("d9c10600000002", "cio_id"),
    ]);
  });

  test("not where there is nobody, nor by a phone number", async () => {
    const { api } = await carla();
    expect(await api.find(person("usr_gone", "nobody@example.com", CARLA.phone))).toEqual([]);
  });
});

describe("a person is erased", () => {
  test("by being suppressed, which Customer.io accepts and does a moment later", async () => {
    const { platform, api, id, entry } = await carla({ delay: 100 });
    expect(await stateOf(api, entry, null)).toEqual({ state: "there" });
    expect(await entry.erase()).toEqual({ receipt: "200" });
    expect(asked(platform).at(-1)).toEqual([`POST ${TRACK}/customers/${id}/suppress`, {}]);
    expect(platform.requests.at(-1)?.headers["authorization"]).toBe(
      `Basic ${btoa("site-1:s3cret-track-key")}`,
    );
    expect(await stateOf(api, entry, "200")).toEqual({ state: "pending" });
    await gone(platform, id);
    expect(await stateOf(api, entry, "200")).toEqual({
      state: "gone",
      // The list of suppressed people, without which they would come back with the next call of a website.
      retained: { basis: "legitimate_interests", categories: ["customer_id", "email_address"] },
    });
    expect([...platform.suppressed]).toEqual([id, CARLA.email]);
  });

  test.each([
    ["id", { id: "user 7/1" }, "user%207%2F1"],
    ["address, where there is no id", { id: "" }, encodeURIComponent(CARLA.email)],
    ["Customer.io's id, where theirs looks like an address", { id: "a@b" }, `cio_${CIO_ID}`],
    ["Customer.io's id, where theirs looks like one of those", { id: "cio_7" }, `cio_${CIO_ID}`],
    ["Customer.io's id, where there is nothing else", { id: "", email: "" }, `cio_${CIO_ID}`],
  ])("by the %s", async (_, known, identifier) => {
    const { platform, api } = await carla();
    platform.know("usr_2471", known);
    await (await entryOf(api, CIO_ID)).erase();
    expect(platform.requests.at(-1)?.url).toBe(`${TRACK}/customers/${identifier}/suppress`);
    await gone(platform, known.id);
  });

  test("a second time without harm", async () => {
    const { platform, api, id, entry } = await carla();
    const other = platform.add({ email: "dan@example.com" });
    await entry.erase();
    await gone(platform, id);
    expect(await entry.erase()).toEqual({ receipt: "200" });
    expect(platform.has(other)).toBe(true);
    expect(await stateOf(api, entry, null)).toMatchObject({ state: "gone" });
  });

  test("and should Customer.io report it, it is as an unsubscribe, which names them once more", async () => {
    const { platform, id, entry } = await carla({ parting: true });
    await entry.erase();
    await gone(platform, id);
    expect(await reports(platform)).toMatchObject([
      {
        topic: "customer/unsubscribed",
        records: expect.arrayContaining([
          { type: "subject", platformId: [id, CIO_ID], email: [CARLA.email] },
        ]),
      },
    ]);
  });
});

describe("a person is corrected", () => {
  test("in the attributes that they have, whatever the company calls them", async () => {
    const { platform, api, id } = await carla();
    platform.know(id, { firstName: "Carla", surname: "Ng" });
    const corrections = {
      ...{ email: new Personal("carla.new@example.com"), phone: new Personal("+14165550199") },
      ...{ givenName: new Personal("Karla"), familyName: new Personal("Nguyễn") },
    };
    expect(await (await entryOf(api, id)).rectify(corrections)).toEqual({
      ...{ held: [], accepted: ["email", "phone", "givenName", "familyName"], unsupported: [] },
    });
    expect(asked(platform).at(-1)).toEqual([
      `PUT ${TRACK}/customers/cio_${CIO_ID}`,
      {
        ...{ _update: true, email: "carla.new@example.com", phone: "+14165550199" },
        ...{ firstName: "Karla", surname: "Nguyễn" },
      },
    ]);
    const fields = ["email", "phone", "givenName", "familyName"];
    await expect
      .poll(async () => (await (await entryOf(api, id)).rectify(corrections)).held, { interval: 5 })
      .toEqual(fields);
    const before = platform.requests.length;
    await (await entryOf(api, id)).rectify(corrections);
    // What is held already is not written again.
    expect(platform.requests).toHaveLength(before + 1);
  });

  test("not in those that they have not, nor in an address, which has no form there", async () => {
    const { platform, entry } = await carla();
    const before = platform.requests.length;
    const address = { line1: new Personal("Torstr. 1"), city: new Personal("Berlin"), country: "DE" };
    expect(await entry.rectify({ givenName: new Personal("Karla"), address })).toEqual({
      ...{ held: [], accepted: [], unsupported: ["address", "givenName"] },
    });
    expect(platform.requests).toHaveLength(before);
  });
});

describe("when Customer.io fails", () => {
  test.each(FAULTS)("%j is %s, after one request of each", async (fault, expected, retry, retryAfter) => {
    const { platform, api, id, entry } = await carla();
    platform.fail(fault);
    const calls = [
      () => api.find(person(id)),
      () => api.find(person(CARLA.email)),
      () => entry.collect(),
      () => entry.erase(),
      () => stateOf(api, entry, "200"),
      () => entry.rectify({ email: new Personal("canary@example.com") }),
    ];
    for (const call of calls) {
      const before = platform.requests.length;
      expect(await failure(call())).toEqual(code(expected, { retry, retryAfter }));
      expect(platform.requests).toHaveLength(before + 1);
    }
    expect(platform.has(id)).toBe(true);
  });

  test("what it does not find where something has to be is an error, and nothing that is done", async () => {
    const { platform, entry } = await carla();
    platform.fail({ status: 404 });
    const calls = [
      entry.collect(),
      entry.erase(),
      entry.rectify({ email: new Personal("canary@example.com") }),
    ];
    for (const call of calls) expect(await failure(call)).toEqual(code("platform/refused"));
  });

  test("an answer that never comes is given up", async () => {
    const { api, id, entry } = await carla();
    world.answer = silence;
    hurry(30);
    for (const call of [() => api.find(person(id)), () => entry.erase(), () => entry.collect()])
      expect(await failure(call())).toEqual(code("platform/unavailable", { retry: true }));
  });

  test("an answer that is no person is nobody who is gone", async () => {
    const { api, entry } = await carla();
    world.answer = () => new Response('{"customer": {"attributes": {"email": "carla@example.com"}}}');
    expect(await failure(stateOf(api, entry, "200"))).toEqual(code("platform/unreadable"));
  });
});

describe("credentials", () => {
  test("without the Track API's are told what is missing", async () => {
    const error = await failure(openRights(simulateCustomerIo(), { credentials: { siteId: undefined } }));
    expect(error).toEqual(code("platform/no-credentials"));
  });

  test("with a key that is not known are refused, and it is named", () => {
    const known = { appApiKey: "a", region: "us" };
    expect(faultOfUnknownKey("customerio", known, "audience")).toEqual([
      expect.stringContaining('"audience"'),
    ]);
  });

  test("of two workspaces are used each where it belongs, at the same time", async () => {
    const workspaces = ["a", "b"].map((name) => {
      const keys = { appApiKey: `s3cret-${name}`, siteId: `site-${name}`, trackApiKey: `t0ken-${name}` };
      return simulateCustomerIo({ keys, region: name === "a" ? "us" : "eu" });
    });
    world.platforms = workspaces;
    const ids = workspaces.map((workspace) => workspace.add(CARLA));
    const kept = workspaces.map((workspace) => workspace.add({ email: "dan@example.com" }));
    await Promise.all(
      workspaces.map(async (workspace, n) =>
        (await entryOf(await openRights(workspace), ids[n] ?? "")).erase(),
      ),
    );
    for (const [n, workspace] of workspaces.entries()) {
      await gone(workspace, ids[n] ?? "");
      expect(workspace.has(kept[n] ?? "")).toBe(true);
      const name = n === 0 ? "a" : "b";
      expect(new Set(workspace.requests.map(({ headers }) => headers["authorization"]))).toEqual(
        new Set([`Bearer s3cret-${name}`, `Basic ${btoa(`site-${name}:t0ken-${name}`)}`]),
      );
    }
  });
});
