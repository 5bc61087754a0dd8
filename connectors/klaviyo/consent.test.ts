import { describe, expect, test } from "vitest";
import { type SimulatedKlaviyo, simulateKlaviyo } from "../../test/support/platforms/klaviyo.ts";
import { code, failure } from "../api.support.ts";
import { asked, found, open, person, reports, simulated } from "../consent.support.ts";

const world = simulated();

const EMAIL = { purpose: "email_marketing" } as const;
const SMS = { purpose: "sms_marketing" } as const;
const CARLA = { email: "carla+news@example.com", phone: "+14165550123" };
const granted = { state: "granted", occurredAt: "2026-11-19T08:30:00.000Z", confirmed: false } as const;
const confirmed = { ...granted, confirmed: true };
const withdrawn = { state: "withdrawn", occurredAt: "2026-11-19T08:30:00.000Z", confirmed: false } as const;

async function klaviyo(options: Parameters<typeof simulateKlaviyo>[0] = {}) {
  const platform = simulateKlaviyo(options);
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}
const eventually = (platform: SimulatedKlaviyo, id: string, purpose: "email_marketing" | "sms_marketing") =>
  expect.poll(() => platform.state(id, purpose), { interval: 5 });

const SUBSCRIPTIONS = "additional-fields[profile]=subscriptions";
const PROFILES = "https://a.klaviyo.com/api/profiles";
const SUBSCRIBE = "POST https://a.klaviyo.com/api/profile-subscription-bulk-create-jobs";
const UNSUBSCRIBE = "POST https://a.klaviyo.com/api/profile-subscription-bulk-delete-jobs";

describe("Klaviyo is asked for a person", () => {
  test("by the profile's id, in one request, as documented", async () => {
    const { platform, api } = await klaviyo();
    const id = platform.add({ ...CARLA, held: { email_marketing: "granted", sms_marketing: "withdrawn" } });
    const there = await found(api, id, "other@example.com");
    expect(asked(platform)).toEqual([[`GET ${PROFILES}/${id}?${SUBSCRIPTIONS}`]]);
    expect(platform.requests[0]?.headers).toMatchObject({
      authorization: "Klaviyo-API-Key pk_s3cret_of_the_simulated_account",
      revision: "2026-07-15",
    });
    expect(there.held(EMAIL)).toMatchObject({ state: "granted", blocked: undefined });
    expect(there.held(SMS)).toMatchObject({ state: "withdrawn", blocked: undefined });
  });

  test("by e-mail where the id is not known, or is gone", async () => {
    const { platform, api } = await klaviyo();
    platform.add(CARLA);
    expect((await found(api, CARLA.email)).held(EMAIL)).toMatchObject({ state: "not_asked" });
    await found(api, "01GONE", CARLA.email);
    const byEmail = [`GET ${PROFILES}?${SUBSCRIPTIONS}&filter=equals(email,"${CARLA.email}")`];
    expect(asked(platform)).toEqual([byEmail, [`GET ${PROFILES}/01GONE?${SUBSCRIPTIONS}`], byEmail]);
    // A plus sign would otherwise be a blank.
    expect(platform.requests[0]?.url).toContain("carla%2Bnews");
  });

  test("with an address that would end the filter, and does not", async () => {
    const { platform, api } = await klaviyo();
    platform.add(CARLA);
    const forged = `x@y"),greater-than(created,"2000-01-01T00:00:00Z`;
    expect(await api.find(person(forged))).toBeUndefined();
    expect(new URL(platform.requests[0]?.url ?? "").searchParams.get("filter")).toBe(
      `equals(email,${JSON.stringify(forged)})`,
    );
  });

  test("whom it does not know, and not by a phone number, which several can share", async () => {
    const { platform, api } = await klaviyo();
    platform.add(CARLA);
    expect(await api.find(person("01GONE", "nobody@example.com"))).toBeUndefined();
    expect(await api.find(person(CARLA.phone))).toBeUndefined();
  });

  test("who has several profiles: a withdrawal goes to each that is granted", async () => {
    const { platform, api } = await klaviyo();
    const ids = ["a", "b", "c"].map((name) =>
      platform.add({
        email: `${name}@example.com`,
        held: { email_marketing: name === "b" ? "withdrawn" : "granted" },
      }),
    );
    const there = await found(api, ...ids);
    expect(there.held(EMAIL)).toMatchObject({ state: "granted" });
    expect(await there.set(EMAIL, withdrawn)).toEqual({ answer: "accepted" });
    for (const id of ids) await eventually(platform, id, "email_marketing").toBe("withdrawn");
    expect(asked(platform).filter(([request]) => request === UNSUBSCRIBE)).toHaveLength(2);
  });
});

describe("what Klaviyo holds", () => {
  test("since when, in UTC, whether it writes a zone or not", async () => {
    const { platform, api } = await klaviyo();
    const [subscribed, left] = [platform.add(CARLA), platform.add({ email: "dan@example.com" })];
    const before = Math.floor(Date.now() / 1_000) * 1_000;
    platform.choose(subscribed, "email_marketing", "granted");
    platform.choose(left, "email_marketing", "withdrawn");
    for (const [id, state] of [
      [subscribed, "granted"],
      [left, "withdrawn"],
    ] as const) {
      const held = (await found(api, id)).held(EMAIL);
      expect(held?.state).toBe(state);
      expect(Date.parse(held?.since ?? "")).toBeGreaterThanOrEqual(before);
      expect(Date.parse(held?.since ?? "")).toBeLessThanOrEqual(Date.now());
    }
  });

  test.each([
    ["HARD_BOUNCE", "granted", "bounced"],
    ["INVALID_EMAIL", "granted", "bounced"],
    ["USER_SUPPRESSED", "granted", "suppressed"],
    ["SPAM_COMPLAINT", "withdrawn", "complained"],
  ] as const)("%s: nobody is written to, and a grant does not lift it", async (reason, state, blocked) => {
    const { platform, api } = await klaviyo();
    const id = platform.add({ ...CARLA, held: { email_marketing: "granted" } });
    platform.suppress(id, reason);
    const there = await found(api, id);
    expect(there.held(EMAIL)).toMatchObject({ state, blocked });
    expect(there.held(SMS)).toEqual({ state: "not_asked" });
    expect(await there.set(EMAIL, confirmed)).toEqual({ answer: "confirmation_needed" });
    expect(platform.requests).toHaveLength(1);
  });

  test("nothing for a channel without an address, nor for what it does not hold", async () => {
    const { platform, api } = await klaviyo();
    const there = await found(api, platform.add({ email: CARLA.email }));
    expect(there.held(SMS)).toBeUndefined();
    expect(there.held({ purpose: "whatsapp_marketing" })).toBeUndefined();
    expect(there.held({ list: "Y6nRLr" })).toBeUndefined();
    expect(await there.set(SMS, withdrawn)).toEqual({ answer: "held", held: undefined });
    expect(platform.requests).toHaveLength(1);
  });

  test("is not taken for nothing where the answer leaves it out", async () => {
    const { platform, api } = await klaviyo();
    const id = platform.add(CARLA);
    world.answer = () => Response.json({ data: { type: "profile", id, attributes: { email: CARLA.email } } });
    expect(await failure(api.find(person(id)))).toEqual(code("platform/unreadable", { retry: false }));
  });
});

describe("Klaviyo is told", () => {
  test("to subscribe one profile, by its id and the channel's own address", async () => {
    const { platform, api } = await klaviyo();
    const id = platform.add(CARLA);
    const there = await found(api, id);
    expect(await there.set(EMAIL, granted)).toEqual({ answer: "accepted" });
    expect(await there.set(SMS, granted)).toEqual({ answer: "accepted" });
    const job = (attributes: object) => ({
      data: {
        type: "profile-subscription-bulk-create-job",
        attributes: {
          custom_source: "Lethe",
          profiles: { data: [{ type: "profile", id, attributes }] },
        },
      },
    });
    const marketing = { consent: "SUBSCRIBED" };
    expect(asked(platform).slice(1)).toEqual([
      [SUBSCRIBE, job({ email: CARLA.email, subscriptions: { email: { marketing } } })],
      [SUBSCRIBE, job({ phone_number: CARLA.phone, subscriptions: { sms: { marketing } } })],
    ]);
    await eventually(platform, id, "email_marketing").toBe("granted");
    await eventually(platform, id, "sms_marketing").toBe("granted");
    expect((await found(api, id)).held(EMAIL)?.state).toBe("granted");
  });

  test("when a consent was given that was confirmed, which needs no confirmation there", async () => {
    const { platform, api } = await klaviyo({ doubleOptIn: true });
    const [open, sure] = [platform.add(CARLA), platform.add({ email: "dan@example.com" })];
    await (await found(api, open)).set(EMAIL, granted);
    await (await found(api, sure)).set(EMAIL, confirmed);
    await eventually(platform, sure, "email_marketing").toBe("granted");
    expect(platform.state(open, "email_marketing")).toBe("not_asked");
    expect(JSON.parse(platform.requests.at(-1)?.body ?? "")).toMatchObject({
      data: {
        attributes: {
          historical_import: true,
          profiles: {
            data: [
              {
                attributes: {
                  subscriptions: {
                    email: { marketing: { consent: "SUBSCRIBED", consented_at: "2026-11-19T08:30:00.000Z" } },
                  },
                },
              },
            ],
          },
        },
      },
    });
    expect((await found(api, sure)).held(EMAIL)).toMatchObject({
      state: "granted",
      since: "2026-11-19T08:30:00.000Z",
    });
  });

  test("of a moment that has passed there, too, although the clocks differ", async () => {
    const { platform, api } = await klaviyo();
    const there = await found(api, platform.add(CARLA));
    const occurredAt = new Date(Date.now() + 60_000).toISOString();
    expect(await there.set(EMAIL, { ...confirmed, occurredAt })).toEqual({ answer: "accepted" });
  });

  test("to unsubscribe from everything of a channel, by its address", async () => {
    const { platform, api } = await klaviyo();
    const id = platform.add({ ...CARLA, held: { email_marketing: "granted", sms_marketing: "granted" } });
    const there = await found(api, id);
    expect(await there.set(EMAIL, withdrawn)).toEqual({ answer: "accepted" });
    expect(await there.set(SMS, withdrawn)).toEqual({ answer: "accepted" });
    const job = (attributes: object) => ({
      data: {
        type: "profile-subscription-bulk-delete-job",
        attributes: { profiles: { data: [{ type: "profile", attributes }] } },
      },
    });
    const marketing = { consent: "UNSUBSCRIBED" };
    expect(asked(platform).slice(1)).toEqual([
      [UNSUBSCRIBE, job({ email: CARLA.email, subscriptions: { email: { marketing } } })],
      [UNSUBSCRIBE, job({ phone_number: CARLA.phone, subscriptions: { sms: { marketing } } })],
    ]);
    await eventually(platform, id, "email_marketing").toBe("withdrawn");
    await eventually(platform, id, "sms_marketing").toBe("withdrawn");
  });

  test("and does it later: until then it holds what it held", async () => {
    const { platform, api } = await klaviyo({ delay: 100 });
    const id = platform.add({ ...CARLA, held: { email_marketing: "granted" } });
    await (await found(api, id)).set(EMAIL, withdrawn);
    expect((await found(api, id)).held(EMAIL)?.state).toBe("granted");
    await eventually(platform, id, "email_marketing").toBe("withdrawn");
  });

  test("by a grant that is newer than an opt-out, which it lifts with its suppression", async () => {
    const { platform, api } = await klaviyo();
    const id = platform.add(CARLA);
    platform.choose(id, "email_marketing", "withdrawn");
    const there = await found(api, id);
    expect(there.held(EMAIL)).toMatchObject({ state: "withdrawn", blocked: undefined });
    expect(await there.set(EMAIL, granted)).toEqual({ answer: "accepted" });
    await eventually(platform, id, "email_marketing").toBe("granted");
    expect((await found(api, id)).held(EMAIL)).toMatchObject({ state: "granted" });
  });
});

describe("what the simulated Klaviyo sends", () => {
  test.each([
    ["email_marketing", "granted", "unknown"],
    ["email_marketing", "withdrawn", "unsubscribe"],
    ["sms_marketing", "granted", "unknown"],
    ["sms_marketing", "withdrawn", "text_message"],
  ] as const)("is read by our connector: %s %s", async (purpose, state, method) => {
    const { platform, api } = await klaviyo();
    const held = { [purpose]: state === "granted" ? "withdrawn" : "granted" };
    const other = { email: "dan@example.com", phone: "+14165550199" };
    const [chosen, changed] = [platform.add({ ...CARLA, held }), platform.add({ ...other, held })];
    platform.choose(chosen, purpose, state);
    const wish = state === "granted" ? granted : withdrawn;
    await (await found(api, changed)).set({ purpose }, wish);
    await expect.poll(() => platform.outbox.length, { interval: 5 }).toBe(2);
    const told = { records: [{}, {}, { purpose, state, nature: "expressed", method }] };
    expect(await reports(platform)).toMatchObject([{ events: [told] }, { events: [told] }]);
    // What is so already is not sent again.
    platform.choose(chosen, purpose, state);
    expect(platform.outbox).toEqual([]);
  });
});
