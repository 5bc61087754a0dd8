import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listConsents, listPushes, reopenPushes } from "#consent";
import { AuditEntry, type ConsentState, type ControllerId, type PushId } from "#schemas";
import { openProcessing, type Processing, type Shop } from "#test";
import { type CustomerIoOptions, simulateCustomerIo } from "../../test/support/platforms/customerio.ts";
import { type KlaviyoOptions, simulateKlaviyo } from "../../test/support/platforms/klaviyo.ts";
import { simulateMailchimp } from "../../test/support/platforms/mailchimp.ts";
import { simulateShopify } from "../../test/support/platforms/shopify.ts";
import type { SimulatedPlatform } from "../../test/support/platforms/simulated.ts";
import { usePlatforms } from "../../test/support/platforms/world.ts";
import { announcePushes } from "./index.ts";

const EMAIL = "jenny@example.com";
const PHONE = "+16135550142";
const PURPOSE = "email_marketing";

let platforms: readonly SimulatedPlatform[] = [];
usePlatforms(() => platforms);

let hub: Processing;
let controllerId: ControllerId;
let shops: ReadonlyMap<string, Shop>;
let ids: ReadonlyMap<string, string>;
beforeAll(async () => {
  hub = await openProcessing();
});
afterAll(() => hub.close());
beforeEach(() => connectAll());

async function connectAll(klaviyo: KlaviyoOptions = {}, customerIo: CustomerIoOptions = {}): Promise<void> {
  platforms = [
    ...[simulateShopify(), simulateMailchimp()],
    ...[simulateKlaviyo(klaviyo), simulateCustomerIo(customerIo)],
  ];
  controllerId = await hub.rooms.controller();
  const connected = platforms.map(async ({ connector, account, credentials }) => {
    const settings = { credentials, ...(account === undefined ? {} : { account }) };
    return [connector, await hub.connect(controllerId, connector, settings)] as const;
  });
  shops = new Map(await Promise.all(connected));
  ids = new Map(platforms.map((one) => [one.connector, one.add({ email: EMAIL, phone: PHONE })]));
}

const platform = (name: string) => {
  const found = platforms.find(({ connector }) => connector === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
type Purpose = "email_marketing" | "sms_marketing";
const choose = (name: string, state: "granted" | "withdrawn", purpose: Purpose = PURPOSE) =>
  platform(name).choose(ids.get(name) ?? "", purpose, state);
const held = (name: string, purpose: Purpose = PURPOSE) => platform(name).state(ids.get(name) ?? "", purpose);
const heldByAll = () => Object.fromEntries(platforms.map(({ connector }) => [connector, held(connector)]));
const pushes = () => hub.rooms.database.inController(controllerId, (tx) => listPushes(tx, { limit: 1_000 }));
const consents = () =>
  hub.rooms.database.inController(controllerId, (tx) => listConsents(tx, { limit: 1_000 }));
const ledger = async (about: Purpose = PURPOSE): Promise<ConsentState | undefined> =>
  (await consents()).find(({ current, purpose }) => current && purpose === about)?.state;

/** Sends what the platforms want to send, in an order of the test's own. */
async function sendWebhooks(pick: (size: number) => number = () => 0, most = Infinity): Promise<void> {
  for (let sent = 0; sent < most; sent++) {
    const waiting = platforms.filter(({ outbox }) => outbox.length > 0);
    const next = waiting[pick(waiting.length)];
    const webhook = next?.outbox.splice(pick(next.outbox.length), 1)[0];
    if (next === undefined || webhook === undefined) return;
    await shops.get(next.connector)?.deliver(webhook);
  }
}

/** Nothing waits anywhere: no webhook, no delivery, no event, no run, no push. */
async function isQuiet(): Promise<boolean> {
  const [row] = await hub.byHand<{ busy: number }>(
    `select (select count(*) from delivery where controller_id = $1 and status = 'received')
      + (select count(*) from consent_push where controller_id = $1 and status = 'open')
      + (select count(*) from consent_due where controller_id = $1)
      + (select count(*) from runtime_event where dispatched_at is null)
      + (select count(*) from runtime_run where status = 'running') as busy`,
    controllerId,
  );
  return Number(row?.busy) === 0 && platforms.every(({ outbox }) => outbox.length === 0);
}

async function untilQuiet(pick?: (size: number) => number): Promise<void> {
  await expect
    .poll(
      async () => {
        await sendWebhooks(pick);
        return isQuiet();
      },
      { timeout: 30_000 },
    )
    .toBe(true);
}

/** Platforms tell time to the second, and clocks differ: what comes after this is later for all of them, beyond doubt. */
const secondsPass = () => new Promise((resolve) => setTimeout(resolve, 2_300));

const audited = async (type: string) => {
  const rows = await hub.byHand<{ entry: Buffer }>(
    "select entry from audit_event where controller_id = $1 order by id",
    controllerId,
  );
  return rows
    .map(({ entry }) => AuditEntry.parse(JSON.parse(entry.toString("utf8"))))
    .filter((event) => event.type === type);
};

/** All four platforms have told the hub of the person, who is subscribed everywhere. */
async function known(): Promise<void> {
  for (const { connector } of platforms) choose(connector, "granted");
  await untilQuiet();
  expect(heldByAll()).toEqual(all("granted"));
  for (const { requests } of platforms) requests.length = 0;
}

const all = (state: ConsentState) => Object.fromEntries(platforms.map(({ connector }) => [connector, state]));
const outcomes = async () =>
  Object.fromEntries((await pushes()).toReversed().map((push) => [push.connector, push]));
const calls = () => platforms.reduce((sum, { requests }) => sum + requests.length, 0);

describe("whoever unsubscribes on one platform", () => {
  test("is unsubscribed on all others, which is verified, on the audit log, and comes back as an echo", async () => {
    await hub.working(async () => {
      await known();
      await secondsPass();
      choose("mailchimp", "withdrawn");
      await untilQuiet();
    });
    expect(heldByAll()).toEqual(all("withdrawn"));
    for (const name of ["shopify", "klaviyo", "customerio"])
      expect((await outcomes())[name]).toMatchObject({ state: "withdrawn", status: "done_verified" });
    // Mailchimp itself is changed in nothing; it may be asked, because a change of ours there was a moment ago.
    expect(platform("mailchimp").requests.filter(({ method }) => method !== "GET")).toEqual([]);
    const records = await consents();
    const withdrawn = records.filter(({ state, purpose }) => state === "withdrawn" && purpose === PURPOSE);
    expect(withdrawn.filter(({ nature }) => nature === "expressed")).toHaveLength(1);
    expect(withdrawn.filter(({ nature }) => nature === "echo").length).toBeGreaterThanOrEqual(3);
    const logged = (await audited("consent.pushed")).map(({ facts }) => facts);
    for (const connector of ["shopify", "klaviyo", "customerio"])
      expect(logged).toContainEqual({
        ...{ connector, purpose: PURPOSE, state: "withdrawn", outcome: "done_verified" },
      });
  });

  test("is unsubscribed at once where platforms answer, and later where one was down", async () => {
    await hub.working(async () => {
      await known();
      platform("klaviyo").fail({ status: 503 });
      choose("shopify", "withdrawn");
      await sendWebhooks();
      await expect
        .poll(async () => [held("mailchimp"), held("customerio")])
        .toEqual(["withdrawn", "withdrawn"]);
      await expect
        .poll(async () => (await outcomes()).klaviyo)
        .toMatchObject({
          status: "open",
          error: expect.stringContaining("platform/unavailable"),
        });
      expect(held("klaviyo")).toBe("granted");
      platform("klaviyo").fail();
      await untilQuiet();
    });
    expect(held("klaviyo")).toBe("withdrawn");
  });

  test("ends as failed where a platform never comes back: visible, and to be tried again", async () => {
    await hub.working(async () => {
      await known();
      platform("customerio").fail("cut");
      choose("mailchimp", "withdrawn");
      await untilQuiet();
      const failed = (await outcomes()).customerio;
      expect(failed).toMatchObject({
        status: "failed",
        error: expect.stringContaining("platform/unavailable"),
        settledAt: expect.any(String),
      });
      expect((await audited("consent.pushed")).map(({ facts }) => facts.error)).toContain(
        "platform/unavailable",
      );
      platform("customerio").fail();
      const again = await hub.rooms.database.inController(controllerId, async (tx) => {
        const reopened = await reopenPushes(tx, [failed?.id as PushId]);
        await announcePushes(tx, reopened);
        return reopened.length;
      });
      expect(again).toBe(1);
      await untilQuiet();
    });
    expect((await outcomes()).customerio).toMatchObject({ status: "done_verified" });
    expect(held("customerio")).toBe("withdrawn");
  });

  test("who changes their mind while a platform is down arrives there with the last choice only", async () => {
    await hub.working(async () => {
      await known();
      await secondsPass();
      platform("shopify").fail({ status: 500 });
      choose("klaviyo", "withdrawn");
      await sendWebhooks();
      await expect.poll(async () => (await outcomes()).shopify?.attempts).toBeGreaterThan(0);
      await secondsPass();
      choose("klaviyo", "granted");
      await sendWebhooks();
      await expect.poll(ledger).toBe("granted");
      platform("shopify").requests.length = 0;
      platform("shopify").fail();
      await untilQuiet();
    });
    expect(held("shopify")).toBe("granted");
    expect(platform("shopify").requests.filter(({ body }) => body.includes("mutation"))).toEqual([]);
  });

  test("a platform that asks for patience is given it", async () => {
    let asked = 0;
    await hub.working(async () => {
      await known();
      platform("shopify").fail({ status: 429, retryAfter: "2" });
      choose("mailchimp", "withdrawn");
      await sendWebhooks();
      await expect.poll(() => platform("shopify").requests.length).toBe(1);
      asked = Date.now();
      platform("shopify").fail();
      await untilQuiet();
    });
    expect(held("shopify")).toBe("withdrawn");
    expect((await outcomes()).shopify).toMatchObject({ status: "done_verified", attempts: 2 });
    expect(Date.now() - asked).toBeGreaterThan(1_500);
  });
});

describe("a platform that comes to know somebody late", () => {
  test("is told that they have opted out", async () => {
    const id = ids.get("shopify") ?? "";
    await hub.working(async () => {
      choose("mailchimp", "withdrawn");
      await untilQuiet();
      expect(platform("shopify").requests).toEqual([]);
      await shops
        .get("shopify")
        ?.send("customers-create", (body) =>
          body.replaceAll("bob@example.com", EMAIL).replaceAll("706405506930370084", id),
        );
      await untilQuiet();
    });
    expect(held("shopify")).toBe("withdrawn");
    expect((await outcomes())["shopify"]).toMatchObject({ state: "withdrawn", status: "done_verified" });
  });

  test("by nothing but an address, is found by that address, which is kept no longer than it takes", async () => {
    await hub.working(async () => {
      const cleaned = new URLSearchParams({
        ...{ type: "cleaned", fired_at: "2026-11-20 09:15:00", "data[list_id]": "a6b5da1054" },
        ...{ "data[email]": EMAIL, "data[reason]": "hard" },
      });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      await shops.get("mailchimp")?.deliver({ headers, body: cleaned.toString() });
      await untilQuiet();
      choose("shopify", "withdrawn");
      await untilQuiet();
    });
    expect(held("mailchimp")).toBe("withdrawn");
    const kept = await hub.byHand("select from consent_contact where controller_id = $1", controllerId);
    expect(kept).toEqual([]);
  });
});

describe("a platform that changes more than it was asked to", () => {
  test("does not make choices of what nobody chose: a report of all preferences repeats the old ones", async () => {
    await connectAll({}, { repeats: true });
    await hub.working(async () => {
      await known();
      await secondsPass();
      choose("customerio", "withdrawn", "sms_marketing");
      choose("customerio", "withdrawn");
      await untilQuiet();
      await secondsPass();
      // Both again, at once, elsewhere: the echo of the one repeats what the other was until a moment ago.
      choose("shopify", "granted");
      choose("shopify", "granted", "sms_marketing");
      await untilQuiet();
    });
    expect([await ledger(), await ledger("sms_marketing")]).toEqual(["granted", "granted"]);
    expect([held("customerio"), held("customerio", "sms_marketing")]).toEqual(["granted", "granted"]);
  });

  test("is said to, where it only knows everything or nothing", async () => {
    await connectAll({}, { channels: [] });
    await hub.working(async () => {
      await known();
      await secondsPass();
      choose("shopify", "granted", "sms_marketing");
      await untilQuiet();
      await secondsPass();
      choose("mailchimp", "withdrawn");
      await untilQuiet();
    });
    expect([await ledger(), await ledger("sms_marketing")]).toEqual(["withdrawn", "granted"]);
    expect([held("shopify"), held("shopify", "sms_marketing")]).toEqual(["withdrawn", "granted"]);
    // There, nothing can be sent to them any more, and only a person can tell whether that is right.
    const push = (await pushes()).find(
      (one) => one.connector === "customerio" && one.purpose === "sms_marketing",
    );
    expect(push).toMatchObject({ state: "granted", status: expect.stringMatching(/manual|failed/) });
  });
});

/** What people do on four platforms, and how the network carries it. */
const scenario = fc.record({
  choices: fc.array(
    fc.record({
      where: fc.nat({ max: 3 }),
      state: fc.constantFrom("granted" as const, "withdrawn" as const),
      /** Milliseconds until the next. */
      pause: fc.constantFrom(0, 0, 30, 400, 2_300),
      /** Webhooks that get through before it. */
      webhooks: fc.nat({ max: 3 }),
    }),
    { minLength: 3, maxLength: 6 },
  ),
  picks: fc.array(fc.nat({ max: 5 }), { minLength: 5, maxLength: 11 }),
  /** Milliseconds that Klaviyo takes for what it accepted. */
  delay: fc.constantFrom(0, 0, 300),
});

describe("people who change their minds at random, on four platforms at once", () => {
  test.each(
    fc
      .sample(scenario, {
        seed: Number(process.env.LETHE_TEST_SEED ?? 4),
        numRuns: Number(process.env.LETHE_TEST_RUNS ?? 4),
      })
      .map((one, n) => [n, one] as const),
  )(
    "leave all platforms agreed when all is quiet, after at most two calls a platform and choice (%i)",
    { timeout: 60_000 },
    async (_, { choices, picks, delay }) => {
      await connectAll({ delay });
      let turn = 0;
      const pick = (size: number) => (picks[turn++ % picks.length] ?? 0) % size;
      await hub.working(async () => {
        await known();
        await secondsPass();
        for (const { where, state, pause, webhooks } of choices) {
          choose(platforms[where]?.connector ?? "", state);
          await sendWebhooks(pick, webhooks);
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
        await untilQuiet(pick);
      });
      const agreed = await ledger();
      // Mailchimp lets nobody but the person come back who left there: it is told to a person, and is on the safe side.
      const refused = (await outcomes())["mailchimp"]?.reason === "confirmation_needed";
      const expected =
        refused && agreed === "granted"
          ? { ...all("granted"), mailchimp: "withdrawn" }
          : all(agreed ?? "granted");
      expect(heldByAll(), JSON.stringify({ choices, agreed })).toEqual(expected);
      expect(calls()).toBeLessThanOrEqual(2 * platforms.length * choices.length);
    },
  );
});
