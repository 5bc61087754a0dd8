import { describe, expect, test } from "vitest";
import { type CustomerIoOptions, simulateCustomerIo } from "../../test/support/platforms/customerio.ts";
import { code, failure } from "../api.support.ts";
import { asked, found, open, person, simulated } from "../consent.support.ts";

const world = simulated();

const EMAIL = { purpose: "email_marketing" } as const;
const SMS = { purpose: "sms_marketing" } as const;
const TOPIC = { list: "topic_7" } as const;
const CARLA = { email: "carla+news@example.com", phone: "+14165550123" };
const granted = { state: "granted", occurredAt: "2026-11-19T08:30:00.000Z", confirmed: false } as const;
const withdrawn = { ...granted, state: "withdrawn" } as const;

const APP = "https://api.customer.io/v1";
const CHANNELS = [`GET ${APP}/subscription_channels`];
const ATTRIBUTES = (id: string, type: string) => [`GET ${APP}/customers/${id}/attributes?id_type=${type}`];
const PUT = "PUT https://track.customer.io/api/v1/customers/cio_d9c10600000001";

async function customerIo(options: CustomerIoOptions = {}) {
  const platform = simulateCustomerIo(options);
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}
type Known = Parameters<ReturnType<typeof simulateCustomerIo>["add"]>[0];
/** Somebody there: with a phone number unless said otherwise. */
async function carla(options: CustomerIoOptions = {}, known: Partial<Known> = CARLA) {
  const { platform, api } = await customerIo(options);
  const id = platform.add({ email: CARLA.email, ...known });
  return { platform, api, id, now: () => found(api, id) };
}
const EMAIL_ONLY = { email: CARLA.email };

describe("Customer.io is asked for a person", () => {
  test("by the company's id, as documented, and for the channels that people can choose", async () => {
    const { platform, api, id } = await carla({}, { ...CARLA, held: { email_marketing: "granted" } });
    const there = await found(api, id, "d9c10600000001", "other@example.com");
    expect(asked(platform)).toEqual([ATTRIBUTES("usr_2471", "id"), CHANNELS]);
    expect(platform.requests[0]?.headers["authorization"]).toBe("Bearer s3cret-app-key");
    expect(there.held(EMAIL)).toEqual({ state: "granted" });
    expect(there.held(SMS)).toEqual({ state: "not_asked" });
  });

  test("by the company's id, and by Customer.io's where there is no other", async () => {
    const { platform, api } = await carla();
    await found(api, "d9c10600000001", "usr_2471");
    await found(api, "d9c10600000001");
    expect(asked(platform)).toEqual([
      ...[ATTRIBUTES("usr_2471", "id"), CHANNELS],
      ...[ATTRIBUTES("d9c10600000001", "cio_id"), CHANNELS],
    ]);
  });

  test("by e-mail where no id is known, or is gone", async () => {
    const { platform, api } = await carla();
    await found(api, "usr_gone", CARLA.email);
    expect(asked(platform)).toEqual([
      ATTRIBUTES("usr_gone", "id"),
      ATTRIBUTES("usr_gone", "cio_id"),
      [`GET ${APP}/customers?email=${CARLA.email}`],
      ATTRIBUTES("d9c10600000001", "cio_id"),
      CHANNELS,
    ]);
    // A plus sign would otherwise be a blank.
    expect(platform.requests[2]?.url).toContain("carla%2Bnews%40");
  });

  test("whom it does not know", async () => {
    const { api } = await carla();
    expect(await api.find(person("usr_gone", "nobody@example.com"))).toBeUndefined();
    expect(await api.find(person(CARLA.phone))).toBeUndefined();
  });

  test("of whom several have one address: a withdrawal goes to all of them", async () => {
    const { platform, api, id } = await carla({}, { ...CARLA, held: { email_marketing: "granted" } });
    const twin = platform.add({ ...CARLA, held: { email_marketing: "granted" } });
    const there = await found(api, CARLA.email);
    expect(await there.set(EMAIL, withdrawn)).toEqual({ answer: "accepted" });
    for (const one of [id, twin])
      await expect.poll(() => platform.state(one, "email_marketing"), { interval: 5 }).toBe("withdrawn");
  });

  test("in the European Union, if the workspace is there", async () => {
    const { platform, now } = await carla({ region: "eu" });
    await (await now()).set(EMAIL, withdrawn);
    expect(new Set(platform.requests.map(({ url }) => new URL(url).host))).toEqual(
      new Set(["api-eu.customer.io", "track-eu.customer.io"]),
    );
  });
});

describe("where people can choose a channel, Customer.io is told", () => {
  test.each([
    [EMAIL, "email"],
    [SMS, "sms"],
    [{ purpose: "whatsapp_marketing" }, "whatsapp"],
  ] as const)("%j by it alone, and never makes anybody up", async (target, channel) => {
    const { platform, now, id } = await carla();
    expect(await (await now()).set(target, withdrawn)).toEqual({ answer: "accepted" });
    expect(asked(platform).at(-1)).toEqual([
      PUT,
      { _update: true, [`cio_subscription_preferences.channels.${channel}`]: false },
    ]);
    expect(platform.requests.at(-1)?.headers["authorization"]).toBe(
      `Basic ${btoa("site-1:s3cret-track-key")}`,
    );
    await expect.poll(() => platform.state(id, target.purpose), { interval: 5 }).toBe("withdrawn");
    expect((await now()).held(target)).toEqual({ state: "withdrawn" });

    expect(await (await now()).set(target, granted)).toEqual({ answer: "accepted" });
    expect(asked(platform).at(-1)).toEqual([
      PUT,
      { _update: true, [`cio_subscription_preferences.channels.${channel}`]: true },
    ]);
    await expect.poll(() => platform.state(id, target.purpose), { interval: 5 }).toBe("granted");
    expect((await now()).held(target)).toEqual({ state: "granted" });
  });

  test("of one preference, and the others stay", async () => {
    const { platform, now, id } = await carla({}, { ...CARLA, held: { sms_marketing: "granted" } });
    platform.chooseTopic(id, "topic_7", "granted");
    await (await now()).set(EMAIL, withdrawn);
    await expect.poll(() => platform.state(id, "email_marketing"), { interval: 5 }).toBe("withdrawn");
    expect(platform.state(id, "sms_marketing")).toBe("granted");
    expect(platform.topic(id, "topic_7")).toBe(true);
  });

  test("and takes the change only: what it holds is another question", async () => {
    const { platform, now, id } = await carla(
      { delay: 100 },
      { ...CARLA, held: { email_marketing: "granted" } },
    );
    await (await now()).set(EMAIL, withdrawn);
    expect((await now()).held(EMAIL)).toEqual({ state: "granted" });
    await expect.poll(() => platform.state(id, "email_marketing"), { interval: 5 }).toBe("withdrawn");
  });
});

describe("where people cannot choose a channel,", () => {
  test("e-mail is what `unsubscribed` says, with the time of it", async () => {
    const { platform, now, id } = await carla({ channels: [] }, EMAIL_ONLY);
    expect((await now()).held(EMAIL)).toEqual({ state: "not_asked" });
    await (await now()).set(EMAIL, withdrawn);
    expect(asked(platform).at(-1)).toEqual([PUT, { _update: true, unsubscribed: true }]);
    await expect.poll(() => platform.state(id, "email_marketing"), { interval: 5 }).toBe("withdrawn");
    const { state, since = "" } = (await now()).held(EMAIL) ?? {};
    expect(state).toBe("withdrawn");
    expect(Math.abs(Date.parse(since) - Date.now())).toBeLessThan(5_000);

    await (await now()).set(EMAIL, granted);
    expect(asked(platform).at(-1)).toEqual([PUT, { _update: true, unsubscribed: false }]);
    await expect.poll(() => platform.state(id, "email_marketing"), { interval: 5 }).toBe("granted");
    expect((await now()).held(EMAIL)).toEqual({ state: "granted" });
  });

  test("SMS cannot be held, which is said rather than thought done", async () => {
    const { now } = await carla({ channels: ["email"] });
    const there = await now();
    const error = await failure((async () => there.held(SMS))());
    expect(error).toEqual(code("platform/not-set-up", { message: expect.stringContaining('"sms"') }));
    expect(await failure(there.set(SMS, withdrawn))).toEqual(code("platform/not-set-up"));
  });
});

describe("who unsubscribed from everything", () => {
  test("has withdrawn each purpose, whatever they chose of channels", async () => {
    const { platform, now, id } = await carla({}, { ...CARLA, held: { email_marketing: "granted" } });
    platform.unsubscribe(id);
    const there = await now();
    for (const target of [EMAIL, SMS, TOPIC])
      expect(there.held(target)).toEqual({
        state: "withdrawn",
        since: expect.stringMatching(/^20.*\.000Z$/),
        blocked: "suppressed",
      });
  });

  test("is not subscribed again by a grant of one purpose, because that would lift the others", async () => {
    const { platform, now, id } = await carla();
    platform.unsubscribe(id);
    const there = await now();
    const before = platform.requests.length;
    for (const target of [EMAIL, SMS, TOPIC])
      expect(await there.set(target, granted)).toEqual({ answer: "confirmation_needed" });
    expect(platform.requests).toHaveLength(before);
  });

  test("is, by a grant of e-mail, if there is nothing else that they could be reached by", async () => {
    const { platform, now, id } = await carla({}, EMAIL_ONLY);
    platform.unsubscribe(id);
    const there = await now();
    expect(there.held(EMAIL)).toEqual({ state: "withdrawn", since: expect.any(String) });
    expect(await there.set(EMAIL, granted)).toEqual({ answer: "accepted" });
    expect(asked(platform).at(-1)).toEqual([
      PUT,
      { _update: true, "cio_subscription_preferences.channels.email": true, unsubscribed: false },
    ]);
    await expect.poll(() => platform.state(id, "email_marketing"), { interval: 5 }).toBe("granted");
  });

  test("is not, if there is a device for push messages", async () => {
    const { platform, now, id } = await carla({}, EMAIL_ONLY);
    platform.unsubscribe(id);
    platform.addDevice(id);
    expect((await now()).held(EMAIL)).toMatchObject({ blocked: "suppressed" });
  });
});

describe("the company's own topics", () => {
  test("are held and told each by itself", async () => {
    const { platform, now, id } = await carla();
    expect((await now()).held(TOPIC)).toEqual({ state: "not_asked" });
    for (const [wish, value] of [
      [granted, true],
      [withdrawn, false],
    ] as const) {
      expect(await (await now()).set(TOPIC, wish)).toEqual({ answer: "accepted" });
      expect(asked(platform).at(-1)).toEqual([
        PUT,
        { _update: true, "cio_subscription_preferences.topics.topic_7": value },
      ]);
      await expect.poll(() => platform.topic(id, "topic_7"), { interval: 5 }).toBe(value);
      expect((await now()).held(TOPIC)).toEqual({ state: wish.state });
    }
  });
});

describe("there is nothing to hold", () => {
  test("for SMS without a phone number, for e-mail without an address, for what Customer.io does not know", async () => {
    const { now } = await carla({}, EMAIL_ONLY);
    const there = await now();
    expect(there.held(SMS)).toBeUndefined();
    expect(there.held({ purpose: "postal_marketing" })).toBeUndefined();
    expect(await there.set(SMS, withdrawn)).toEqual({ answer: "held", held: undefined });
    const other = await carla({}, { ...CARLA, email: "" });
    expect((await other.now()).held(EMAIL)).toBeUndefined();
    expect((await other.now()).held(SMS)).toEqual({ state: "not_asked" });
  });
});
