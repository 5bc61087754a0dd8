import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { listConsents, listPushes } from "#consent";
import { AuditEntry, type ConsentState, type ControllerId } from "#schemas";
import { type CustomerIoOptions, simulateCustomerIo } from "./platforms/customerio.ts";
import { type KlaviyoOptions, simulateKlaviyo } from "./platforms/klaviyo.ts";
import { simulateMailchimp } from "./platforms/mailchimp.ts";
import { simulateShopify } from "./platforms/shopify.ts";
import type { SimulatedPlatform } from "./platforms/simulated.ts";
import { usePlatforms } from "./platforms/world.ts";
import { openProcessing, type Processing, type Shop } from "./processing.ts";

export const EMAIL = "jenny@example.com";
const PHONE = "+16135550142";
export const PURPOSE = "email_marketing";

/** A controller that is connected to four simulated platforms, and a person whom each of them has. */
export const at = {} as {
  hub: Processing;
  platforms: readonly SimulatedPlatform[];
  controllerId: ControllerId;
  shops: ReadonlyMap<string, Shop>;
  /** The platforms' ids of the person. */
  ids: ReadonlyMap<string, string>;
};

/** A hub in the test's own process for the file, and four platforms for each test. */
export function useFourPlatforms(): void {
  usePlatforms(() => at.platforms ?? []);
  beforeAll(async () => {
    at.hub = await openProcessing();
  });
  afterAll(() => at.hub.close());
  beforeEach(() => connectAll());
}

export async function connectAll(
  klaviyo: KlaviyoOptions = {},
  customerIo: CustomerIoOptions = {},
): Promise<void> {
  at.platforms = [
    ...[simulateShopify(), simulateMailchimp()],
    ...[simulateKlaviyo(klaviyo), simulateCustomerIo(customerIo)],
  ];
  at.controllerId = await at.hub.rooms.controller();
  const connected = at.platforms.map(async ({ connector, account, credentials }) => {
    const settings = { credentials, ...(account === undefined ? {} : { account }) };
    return [connector, await at.hub.connect(at.controllerId, connector, settings)] as const;
  });
  at.shops = new Map(await Promise.all(connected));
  at.ids = new Map(at.platforms.map((one) => [one.connector, one.add({ email: EMAIL, phone: PHONE })]));
}

export const platform = (name: string) => {
  const found = at.platforms.find(({ connector }) => connector === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
export type Purpose = "email_marketing" | "sms_marketing";
export const choose = (name: string, state: "granted" | "withdrawn", purpose: Purpose = PURPOSE) =>
  platform(name).choose(at.ids.get(name) ?? "", purpose, state);
export const held = (name: string, purpose: Purpose = PURPOSE) =>
  platform(name).state(at.ids.get(name) ?? "", purpose);
export const heldByAll = () =>
  Object.fromEntries(at.platforms.map(({ connector }) => [connector, held(connector)]));
export const pushes = () =>
  at.hub.rooms.database.inController(at.controllerId, (tx) => listPushes(tx, { limit: 1_000 }));
export const consents = () =>
  at.hub.rooms.database.inController(at.controllerId, (tx) => listConsents(tx, { limit: 1_000 }));
export const ledger = async (about: Purpose = PURPOSE): Promise<ConsentState | undefined> =>
  (await consents()).find(({ current, purpose }) => current && purpose === about)?.state;

/** Sends what the at.platforms want to send, in an order of the test's own. */
export async function sendWebhooks(pick: (size: number) => number = () => 0, most = Infinity): Promise<void> {
  for (let sent = 0; sent < most; sent++) {
    const waiting = at.platforms.filter(({ outbox }) => outbox.length > 0);
    const next = waiting[pick(waiting.length)];
    const webhook = next?.outbox.splice(pick(next.outbox.length), 1)[0];
    if (next === undefined || webhook === undefined) return;
    await at.shops.get(next.connector)?.deliver(webhook);
  }
}

/** Nothing waits anywhere: no webhook, no delivery, no event, no run, no push. */
export async function isQuiet(): Promise<boolean> {
  const [row] = await at.hub.byHand<{ busy: number }>(
    `select (select count(*) from delivery where controller_id = $1 and status = 'received')
      + (select count(*) from consent_push where controller_id = $1 and status = 'open')
      + (select count(*) from consent_due where controller_id = $1)
      + (select count(*) from runtime_event where dispatched_at is null)
      + (select count(*) from runtime_run where status = 'running'
        -- Watches over the deadlines of rights requests sleep for weeks.
        and function_id not like '%watch-rights-clock') as busy`,
    at.controllerId,
  );
  return Number(row?.busy) === 0 && at.platforms.every(({ outbox }) => outbox.length === 0);
}

export async function untilQuiet(pick?: (size: number) => number): Promise<void> {
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
export const secondsPass = () => new Promise((resolve) => setTimeout(resolve, 2_300));

export const audited = async (type: string) => {
  const rows = await at.hub.byHand<{ entry: Buffer }>(
    "select entry from audit_event where controller_id = $1 order by id",
    at.controllerId,
  );
  return rows
    .map(({ entry }) => AuditEntry.parse(JSON.parse(entry.toString("utf8"))))
    .filter((event) => event.type === type);
};

/** All four at.platforms have told the hub of the person, who is subscribed everywhere. */
export async function known(): Promise<void> {
  for (const { connector } of at.platforms) choose(connector, "granted");
  await untilQuiet();
  expect(heldByAll()).toEqual(all("granted"));
  for (const { requests } of at.platforms) requests.length = 0;
}

export const all = (state: ConsentState) =>
  Object.fromEntries(at.platforms.map(({ connector }) => [connector, state]));
export const outcomes = async () =>
  Object.fromEntries((await pushes()).toReversed().map((push) => [push.connector, push]));
export const calls = () => at.platforms.reduce((sum, { requests }) => sum + requests.length, 0);
