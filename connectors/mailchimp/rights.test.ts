import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Personal } from "#schemas";
import { type SimulatedMailchimp, simulateMailchimp } from "../../test/support/platforms/mailchimp.ts";
import { code, failure } from "../api.support.ts";
import { asked, FAULTS, person, reports, silence, simulated } from "../consent.support.ts";
import {
  entryOf,
  faultOfUnknownKey,
  opened,
  openRights,
  stateOf,
  unfinished,
} from "../open-rights.support.ts";

const world = simulated();

const ADDRESS = "Carla@canary.example";
const HASH = createHash("md5").update("carla@canary.example").digest("hex");
const LIST = "https://us21.api.mailchimp.com/3.0/lists/a6b5da1054";
const EXCLUDED = "exclude_fields=_links,members._links";

let chimp: SimulatedMailchimp;
beforeEach(() => {
  chimp = simulateMailchimp({ apiKey: "t0ken-us21", permissions: ["bb4ae547e5"] });
  world.platforms = [chimp];
});

describe("a member is found", () => {
  test("by the id that webhooks carry, and by each address that is not the same", async () => {
    const id = chimp.add({ email: ADDRESS });
    chimp.add({ email: "carla.2@canary.example" });
    const api = await openRights(chimp);
    expect(await api.find(person(id, ADDRESS, "carla.2@canary.example"))).toHaveLength(2);
    const other = createHash("md5").update("carla.2@canary.example").digest("hex");
    expect(asked(chimp)).toEqual([
      [`GET ${LIST}/members?${EXCLUDED}&unique_email_id=${id}`],
      [`GET ${LIST}/members/${other}?exclude_fields=_links`],
    ]);
  });

  test("when the company archived them, too: what it has of them is still there", async () => {
    const id = chimp.add({ email: ADDRESS });
    chimp.archive(id);
    const api = await openRights(chimp);
    expect((await entryOf(api, id)).id.reveal()).toBe(id);
    expect(asked(chimp).at(-1)).toEqual([
      `GET ${LIST}/members?${EXCLUDED}&status=archived&unique_email_id=${id}`,
    ]);
    expect((await entryOf(api, ADDRESS)).id.reveal()).toBe(id);
  });

  test("not at all, where there is none, and never by a phone number", async () => {
    chimp.add({ email: ADDRESS, phone: "+16135550188" });
    const api = await openRights(chimp);
    expect(await api.find(person("8a25ff1d98", "nobody@canary.example", "+16135550188"))).toEqual([]);
    expect(await api.find(person("+16135550188"))).toEqual([]);
    expect(await api.find(person("nobody@canary.example"))).toEqual([]);
    // An audience that is not there would answer the same to an address, so that one is looked for.
    expect(asked(chimp).at(-1)).toEqual([`GET ${LIST}?fields=id`]);
  });

  test.each([ADDRESS, "8a25ff1d98"])(
    "in the audience that there is: without it, nobody is no answer (%s)",
    async (by) => {
      const api = await openRights(chimp, { account: "another" });
      expect(await failure(api.find(person(by)))).toEqual(code("platform/refused"));
    },
  );
});

describe("all that there is of a member", () => {
  test("is the member with merge fields and choices, tags, activity, events, notes and goals", async () => {
    const id = chimp.add({ email: ADDRESS, phone: "+16135550188" });
    chimp.records(id).tags.push({ id: 7, name: "VIP" });
    chimp.records(id).activity.push({ activity_type: "open", campaign_id: "4fjk2ma9xd" });
    chimp.records(id).events.push({ name: "purchased", properties: { plan: "pro" } });
    chimp.records(id).notes.push({ note: "called", created_by: "An Employee", _links: [] });
    chimp.records(id).goals.push({ event: "/pricing" });
    const sets = await (await entryOf(await openRights(chimp), id)).collect();
    const { member, ...others } = opened(sets);
    expect(member).toEqual([
      expect.objectContaining({
        ...{ email_address: "carla@canary.example", unique_email_id: id, status: "transactional" },
        merge_fields: expect.objectContaining({ FNAME: "Carla", PHONE: "+16135550188" }),
        marketing_permissions: [expect.objectContaining({ enabled: false })],
      }),
    ]);
    expect(others).toEqual({
      tags: [{ id: 7, name: "VIP" }],
      activity: [{ activity_type: "open", campaign_id: "4fjk2ma9xd" }],
      events: [{ name: "purchased", properties: { plan: "pro" } }],
      // Who wrote it is somebody else.
      notes: [{ note: "called" }],
      goals: [{ event: "/pricing" }],
    });
    expect(JSON.stringify(member)).not.toContain("_links");
    expect(unfinished(sets)).toEqual([]);
    expect(sets.map(({ title, count }) => `${count} ${title}`)).toEqual(
      ["member", "tags", "activity", "events", "notes", "goals"].map((title) => `1 ${title}`),
    );
    const page = (what: string, rest = "") =>
      `GET ${LIST}/members/${HASH}/${what}?exclude_fields=_links,${rest}&count=500&offset=0`;
    expect(asked(chimp).map(([request]) => request)).toEqual(
      expect.arrayContaining([
        page("activity-feed", "activity._links"),
        page("notes", "notes._links,notes.created_by"),
      ]),
    );
  });

  test("is paged until its end", async () => {
    const id = chimp.add({ email: ADDRESS });
    chimp.records(id).activity.push(...Array.from({ length: 1_001 }, (_, n) => ({ n })));
    const sets = await (await entryOf(await openRights(chimp), id)).collect();
    expect(opened(sets)["activity"]).toEqual(Array.from({ length: 1_001 }, (_, n) => ({ n })));
    expect(unfinished(sets)).toEqual([]);
    expect(asked(chimp).filter(([request]) => String(request).includes("activity-feed"))).toHaveLength(3);
  });

  test("ends somewhere, and says so", async () => {
    const id = chimp.add({ email: ADDRESS });
    chimp.records(id).activity.push(...Array.from({ length: 10_400 }, (_, n) => ({ n })));
    chimp.records(id).goals.push(...Array.from({ length: 50 }, (_, n) => ({ n })));
    const sets = await (await entryOf(await openRights(chimp), id)).collect();
    expect(opened(sets)["activity"]).toHaveLength(10_000);
    expect(unfinished(sets)).toEqual(["activity", "goals"]);
  });

  test("keeps numbers that JavaScript would round", async () => {
    const id = chimp.add({ email: ADDRESS });
    const entry = await entryOf(await openRights(chimp), id);
    world.answer = ({ url }) => {
      const [, title = ""] = /\/(\w+)(?:-feed)?\?/.exec(url) ?? [];
      return new Response(`{"${title}": [{"card": 9007199254740993123}]}`, {
        headers: { "content-type": "application/json; charset=utf-8" },
      });
    };
    expect(opened(await entry.collect())["tags"]).toEqual([{ card: "9007199254740993123" }]);
  });
});

describe("a member is erased", () => {
  test("for good, by one request, and is gone when read back", async () => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    const api = await openRights(chimp);
    const entry = await entryOf(api, id);
    expect(await stateOf(api, entry, null)).toEqual({ state: "there" });
    const before = chimp.requests.length;
    expect(await entry.erase()).toEqual({ receipt: "204" });
    expect(asked(chimp).slice(before)).toEqual([[`POST ${LIST}/members/${HASH}/actions/delete-permanent`]]);
    expect(chimp.has(id)).toBe(false);
    expect(await stateOf(api, entry, "204")).toEqual({ state: "gone" });
    expect(await api.find(person(id, ADDRESS))).toEqual([]);
  });

  test("a second time without harm: there is nobody any more", async () => {
    const api = await openRights(chimp);
    const entry = await entryOf(api, chimp.add({ email: ADDRESS }));
    await entry.erase();
    expect(await entry.erase()).toEqual({});
    expect(await stateOf(api, entry, null)).toEqual({ state: "gone" });
    expect(chimp.outbox).toHaveLength(1);
  });

  test("but is not gone as long as they are there, archived or not", async () => {
    const id = chimp.add({ email: ADDRESS });
    const api = await openRights(chimp);
    const entry = await entryOf(api, id);
    chimp.archive(id);
    expect(await stateOf(api, entry, null)).toEqual({ state: "there" });
    expect(await stateOf(api, entry, "204")).toEqual({ state: "pending" });
  });

  test("nor because the audience is gone, which proves nothing", async () => {
    const entry = await entryOf(await openRights(chimp), chimp.add({ email: ADDRESS }));
    const elsewhere = await openRights(chimp, { account: "another" });
    expect(await failure(stateOf(elsewhere, entry, "204"))).toEqual(code("platform/refused"));
  });

  test("and Mailchimp reports it as an unsubscribe, which names them once more", async () => {
    const id = chimp.add({ email: ADDRESS });
    await (await entryOf(await openRights(chimp), id)).erase();
    expect(new URLSearchParams(chimp.outbox[0]?.body).get("data[action]")).toBe("delete");
    expect(await reports(chimp)).toMatchObject([
      {
        topic: "unsubscribe",
        records: [
          { type: "subject", platformId: [id], email: ["carla@canary.example"] },
          { type: "activity" },
          { type: "consent", state: "withdrawn" },
        ],
      },
    ]);
  });
});

describe("when Mailchimp fails", () => {
  test.each(FAULTS)("%j is %s, after one request of each", async (fault, expected, retry, retryAfter) => {
    const id = chimp.add({ email: ADDRESS });
    const api = await openRights(chimp);
    const entry = await entryOf(api, id);
    chimp.fail(fault);
    const calls = [
      () => api.find(person(id)),
      () => api.find(person(ADDRESS)),
      () => entry.collect(),
      () => entry.erase(),
      () => stateOf(api, entry, "204"),
      () => entry.rectify({ givenName: new Personal("canary") }),
    ];
    for (const call of calls) {
      const before = chimp.requests.length;
      expect(await failure(call())).toEqual(code(expected, { retry, retryAfter }));
      expect(chimp.requests).toHaveLength(before + 1);
    }
    expect(chimp.has(id)).toBe(true);
  });

  test("what it does not find where something has to be is an error, and nothing that is done", async () => {
    const api = await openRights(chimp);
    const entry = await entryOf(api, chimp.add({ email: ADDRESS }));
    chimp.fail({ status: 404 });
    const calls = [
      entry.collect(),
      stateOf(api, entry, "204"),
      entry.rectify({ givenName: new Personal("canary") }),
    ];
    for (const call of calls) expect(await failure(call)).toEqual(code("platform/refused"));
  });

  test.each(["breaks off", "never comes"])(
    "a 204 that %s is no answer: what became of it has to be read back",
    async (how) => {
      const wait = setTimeout;
      vi.spyOn(globalThis, "setTimeout").mockImplementation(((then: () => void, time?: number) =>
        wait(then, time === 10_000 ? 50 : time)) as typeof setTimeout);
      const api = await openRights(chimp);
      const entry = await entryOf(api, chimp.add({ email: ADDRESS }));
      world.answer = async (request) => {
        await chimp.handle(request);
        return how === "breaks off" ? Response.error() : silence(request);
      };
      expect(await failure(entry.erase())).toEqual(code("platform/unavailable", { retry: true }));
      world.answer = undefined;
      expect(await stateOf(api, entry, null)).toEqual({ state: "gone" });
    },
  );
});

test("two audiences at the same time each have their own key, and their own member erased", async () => {
  const other = simulateMailchimp({ apiKey: "other-us7", list: "3cc3b53cd9" });
  world.platforms = [chimp, other];
  const ids = [chimp, other].map((one) => one.add({ email: ADDRESS }));
  const kept = other.add({ email: "dan@canary.example" });
  const erase = async (one: SimulatedMailchimp, id = "") =>
    (await entryOf(await openRights(one), id)).erase();
  await Promise.all([erase(chimp, ids[0]), erase(other, ids[1])]);
  for (const one of [chimp, other])
    expect(new Set(one.requests.map(({ headers }) => headers["authorization"])).size).toBe(1);
  expect([chimp.has(ids[0] ?? ""), other.has(ids[1] ?? ""), other.has(kept)]).toEqual([false, false, true]);
});

test("credentials with a key that is not known are refused, and it is named", () => {
  expect(faultOfUnknownKey("mailchimp", { apiKey: "0123-us6" }, "audience")).toEqual([
    expect.stringContaining('"audience"'),
  ]);
});
