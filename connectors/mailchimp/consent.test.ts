import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedMailchimp, simulateMailchimp } from "../../test/support/platforms/mailchimp.ts";
import { held, open, person, reports, set, simulated, wish } from "../consent.support.ts";

const world = simulated();

const email = { purpose: "email_marketing" } as const;
const news = { list: "permission:bb4ae547e5" } as const;

const ADDRESS = "Carla@canary.example";
const HASH = createHash("md5").update("carla@canary.example").digest("hex");
const AT = "2026-11-20T09:15:00.000Z";
const API = "https://us21.api.mailchimp.com/3.0/lists/a6b5da1054/members";

let chimp: SimulatedMailchimp;
beforeEach(() => {
  chimp = simulateMailchimp({ apiKey: "t0ken-us21", permissions: ["bb4ae547e5", "666b666b66"] });
  world.platforms = [chimp];
});
const asked = () =>
  chimp.requests.map(({ method, url, body }) => `${method} ${decodeURIComponent(url)} ${body}`.trim());

describe("a person is found", () => {
  const FIELDS = ["id", "status", "timestamp_opt", "marketing_permissions"];

  test("by the id that webhooks carry, in one request, though the address is known, too", async () => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    expect(await held(await open(chimp), email, id, ADDRESS)).toMatchObject({ state: "granted" });
    const fields = FIELDS.map((field) => `members.${field}`).join(",");
    expect(asked()).toEqual([`GET ${API}?fields=${fields}&unique_email_id=${id}`]);
    expect(chimp.requests[0]?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from("user:t0ken-us21").toString("base64")}`,
      accept: "application/json",
    });
  });

  test("otherwise by the hash of the address in lower case", async () => {
    chimp.add({ email: ADDRESS, held: { email_marketing: "withdrawn" } });
    expect(await held(await open(chimp), email, ` ${ADDRESS}`)).toEqual({ state: "withdrawn" });
    expect(asked()).toEqual([`GET ${API}/${HASH}?fields=${FIELDS.join(",")}`]);
  });

  test("not at all, where Mailchimp knows nobody by any of it, or nothing is known", async () => {
    const api = await open(chimp);
    expect(await held(api, email, "8a25ff1d98", ADDRESS, "+16135550188")).toBe("unknown");
    expect(chimp.requests).toHaveLength(2);
    expect(await held(api, email, "+16135550188")).toBe("unknown");
    expect(chimp.requests).toHaveLength(2);
  });

  test("as what Mailchimp has of all their addresses", async () => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "withdrawn" } });
    chimp.add({ email: "carla.2@canary.example", held: { email_marketing: "granted" } });
    const api = await open(chimp);
    expect(await held(api, email, id, ADDRESS, "carla.2@canary.example")).toMatchObject({ state: "granted" });
    expect(chimp.requests).toHaveLength(2);
  });

  test("in the audience that the credentials name, where the connection has no account", async () => {
    const id = chimp.add({ email: ADDRESS });
    const api = await open(chimp, { account: null, credentials: { listId: "a6b5da1054" } });
    expect(await held(api, email, id)).toEqual({ state: "not_asked" });
  });
});

describe("what Mailchimp holds", () => {
  test.each([
    ["granted", { state: "granted" }],
    ["withdrawn", { state: "withdrawn" }],
    ["pending", { state: "pending" }],
    ["not_asked", { state: "not_asked" }], // `transactional`
  ] as const)("as %s", async (state, expected) => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: state } });
    expect(await held(await open(chimp), email, id)).toMatchObject(expected);
  });

  test("since when they confirmed, and of an opt-out no time, because Mailchimp tells none", async () => {
    const id = chimp.add({ email: ADDRESS });
    const api = await open(chimp);
    chimp.choose(id, "email_marketing", "granted");
    const found = await api.find(person(id));
    expect(Math.abs(Date.parse(found?.held(email)?.since ?? "") - Date.now())).toBeLessThan(5_000);
    chimp.choose(id, "email_marketing", "withdrawn");
    expect(await held(api, email, id)).toEqual({ state: "withdrawn" });
  });

  test("as blocked, where the address bounces or the company took the person out", async () => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    const api = await open(chimp);
    chimp.bounce(id);
    expect(await held(api, email, id)).toEqual({ state: "not_asked", blocked: "bounced" });
    chimp.archive(id);
    expect(await held(api, email, ADDRESS)).toEqual({ state: "not_asked", blocked: "suppressed" });
    // Mailchimp lists no archived members, so that the id alone finds nobody.
    expect(await held(api, email, id)).toBe("unknown");
  });

  test("of the company's own permissions: a tick is a yes, none says nothing", async () => {
    const id = chimp.add({ email: ADDRESS });
    const api = await open(chimp);
    expect(await held(api, news, id)).toEqual({ state: "not_asked" });
    chimp.tick(id, "bb4ae547e5", true);
    expect(await held(api, news, id)).toEqual({ state: "granted" });
    expect(await held(api, { list: "permission:666b666b66" }, id)).toEqual({ state: "not_asked" });
  });

  test("for nothing, where there is no such permission or purpose", async () => {
    const id = chimp.add({ email: ADDRESS });
    const api = await open(chimp);
    expect(await held(api, { list: "permission:0000000000" }, id)).toBeUndefined();
    expect(await held(api, { purpose: "sms_marketing" }, id)).toBeUndefined();
  });
});

describe("a choice is brought there", () => {
  test.each([
    ["granted", "withdrawn", "subscribed"],
    ["withdrawn", "granted", "unsubscribed"],
  ] as const)("as %s, by one request that answers with what is held now", async (state, before, status) => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: before } });
    expect(await set(await open(chimp), person(id), email, wish(state, AT))).toMatchObject({
      answer: "held",
      held: { state },
    });
    expect(chimp.state(id, "email_marketing")).toBe(state);
    expect(asked()[1]).toBe(`PATCH ${API}/${HASH}?skip_merge_validation=true {"status":"${status}"}`);
  });

  test.each([
    ["granted", true],
    ["withdrawn", false],
  ] as const)("as %s for a permission, which leaves the rest alone", async (state, enabled) => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    chimp.tick(id, "666b666b66", true);
    chimp.tick(id, "bb4ae547e5", !enabled);
    expect(await set(await open(chimp), person(id), news, wish(state, AT))).toEqual({
      answer: "held",
      held: { state },
    });
    expect(chimp.isTicked(id, "bb4ae547e5")).toBe(enabled);
    expect(chimp.isTicked(id, "666b666b66")).toBe(true);
    expect(chimp.state(id, "email_marketing")).toBe("granted");
    const body = { marketing_permissions: [{ marketing_permission_id: "bb4ae547e5", enabled }] };
    expect(asked()[1]).toBe(`PATCH ${API}/${HASH}?skip_merge_validation=true ${JSON.stringify(body)}`);
  });

  test("and comes back as a webhook that says so", async () => {
    const id = chimp.add({ email: ADDRESS, phone: "+16135550188" });
    const api = await open(chimp);
    for (const state of ["granted", "withdrawn"] as const) await set(api, person(id), email, wish(state, AT));
    await set(api, person(id), news, wish("granted", AT));
    const consent = { type: "consent", purpose: "email_marketing", nature: "expressed" };
    expect((await reports(chimp)).map(({ topic, records }) => [topic, records?.slice(2)])).toEqual([
      ["subscribe", [{ ...consent, state: "granted", method: "signup_form" }]],
      ["unsubscribe", [{ ...consent, state: "withdrawn", method: "unsubscribe" }]],
      ["profile", []],
    ]);
  });

  test.each(["who left themselves", "whose address bounced"])(
    "but nobody %s comes back by it, and nobody is sent a message",
    async (who) => {
      const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
      if (who === "who left themselves") chimp.choose(id, "email_marketing", "withdrawn");
      else chimp.bounce(id);
      const before = chimp.state(id, "email_marketing");
      const answer = await set(await open(chimp), person(id), email, wish("granted", AT));
      expect(answer).toEqual({ answer: "confirmation_needed" });
      expect(chimp.state(id, "email_marketing")).toBe(before);
      expect(chimp.confirmations).toEqual([]);
      expect(chimp.requests).toHaveLength(2);
    },
  );

  test("for whoever joined again by a form", async () => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    for (const state of ["withdrawn", "granted"] as const) chimp.choose(id, "email_marketing", state);
    const api = await open(chimp);
    for (const state of ["withdrawn", "granted"] as const)
      expect(await set(api, person(id), email, wish(state, AT))).toMatchObject({ held: { state } });
  });

  test("as an opt-out that lasts, where the company took the person out", async () => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    chimp.archive(id);
    const answer = await set(await open(chimp), person(ADDRESS), email, wish("withdrawn", AT));
    expect(answer).toEqual({ answer: "held", held: { state: "withdrawn" } });
  });

  test("at every address, where a person opts out", async () => {
    const [first, second] = [ADDRESS, "carla.2@canary.example"].map((address) =>
      chimp.add({ email: address, held: { email_marketing: "granted" } }),
    );
    const who = person(first ?? "", ADDRESS, "carla.2@canary.example");
    await set(await open(chimp), who, email, wish("withdrawn", AT));
    for (const id of [first, second]) expect(chimp.state(id ?? "", "email_marketing")).toBe("withdrawn");
  });
});
