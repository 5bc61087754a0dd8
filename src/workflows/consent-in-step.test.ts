import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listConsents, listPushes } from "#consent";
import type { ConsentState, ControllerId } from "#schemas";
import { openProcessing, type Processing, type Shop } from "#test";
import { simulateCustomerIo } from "../../test/support/platforms/customerio.ts";
import { simulateKlaviyo } from "../../test/support/platforms/klaviyo.ts";
import { simulateMailchimp } from "../../test/support/platforms/mailchimp.ts";
import { simulateShopify } from "../../test/support/platforms/shopify.ts";
import type { SimulatedPlatform } from "../../test/support/platforms/simulated.ts";
import { usePlatforms } from "../../test/support/platforms/world.ts";

const EMAIL = "jenny@example.com";
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
beforeEach(async () => {
  platforms = [simulateShopify(), simulateMailchimp(), simulateKlaviyo(), simulateCustomerIo()];
  controllerId = await hub.rooms.controller();
  const connected = platforms.map(async ({ connector, account, credentials }) => {
    const settings = { credentials, ...(account === undefined ? {} : { account }) };
    return [connector, await hub.connect(controllerId, connector, settings)] as const;
  });
  shops = new Map(await Promise.all(connected));
  ids = new Map(
    platforms.map((one) => [one.connector, one.add({ email: EMAIL, held: { [PURPOSE]: "granted" } })]),
  );
});

const platform = (name: string) => {
  const found = platforms.find(({ connector }) => connector === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
const choose = (name: string, state: "granted" | "withdrawn") =>
  platform(name).choose(ids.get(name) ?? "", PURPOSE, state);
const held = (name: string) => platform(name).state(ids.get(name) ?? "", PURPOSE);
const heldByAll = () => Object.fromEntries(platforms.map(({ connector }) => [connector, held(connector)]));
const pushes = () => hub.rooms.database.inController(controllerId, (tx) => listPushes(tx, { limit: 1_000 }));
const consents = () =>
  hub.rooms.database.inController(controllerId, (tx) => listConsents(tx, { limit: 1_000 }));
const ledger = async (): Promise<ConsentState | undefined> =>
  (await consents()).find(({ current, purpose }) => current && purpose === PURPOSE)?.state;

/** Sends what the platforms want to send, in an order of the test's own. */
async function sendWebhooks(pick: (size: number) => number = () => 0): Promise<number> {
  let sent = 0;
  for (;;) {
    const waiting = platforms.filter(({ outbox }) => outbox.length > 0);
    const next = waiting[pick(waiting.length)];
    const webhook = next?.outbox.splice(pick(next.outbox.length), 1)[0];
    if (next === undefined || webhook === undefined) return sent;
    await shops.get(next.connector)?.deliver(webhook);
    sent += 1;
  }
}

/** Nothing waits anywhere: no webhook, no delivery, no event, no run, no push. */
async function isQuiet(): Promise<boolean> {
  const [row] = await hub.byHand<{ busy: number }>(
    `select (select count(*) from delivery where controller_id = $1 and status = 'received')
      + (select count(*) from consent_push where controller_id = $1 and status = 'open')
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

/** All four platforms have told the hub of the person, who is subscribed everywhere. */
async function known(): Promise<void> {
  for (const { connector } of platforms) choose(connector, "granted");
  await untilQuiet();
  for (const { requests } of platforms) requests.length = 0;
}

describe("whoever unsubscribes on one platform", () => {
  test("is unsubscribed on all others", async () => {
    await hub.working(async () => {
      await known();
      choose("mailchimp", "withdrawn");
      await untilQuiet();
    });
    expect(heldByAll()).toEqual({
      shopify: "withdrawn",
      mailchimp: "withdrawn",
      klaviyo: "withdrawn",
      customerio: "withdrawn",
    });
  });
});
