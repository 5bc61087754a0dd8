import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ConsentHistoryView, SubjectView } from "#schemas";
import {
  freshRooms,
  type HubProcess,
  runLethe,
  type SimulatedPlatforms,
  sendFixture,
  simulatePlatforms,
  startHubProcess,
  type TestRooms,
} from "#test";
import { dumpOf } from "./support/dump.ts";
import { callLethe } from "./support/lethe.ts";
import { simulateCustomerIo } from "./support/platforms/customerio.ts";
import { simulateKlaviyo } from "./support/platforms/klaviyo.ts";
import { simulateMailchimp } from "./support/platforms/mailchimp.ts";
import { simulateShopify } from "./support/platforms/shopify.ts";
import type { SimulatedPlatform } from "./support/platforms/simulated.ts";

const EMAIL = "canary-jenny@example.com";

const sims: readonly SimulatedPlatform[] = [
  simulateShopify(),
  simulateMailchimp(),
  simulateKlaviyo(),
  simulateCustomerIo(),
];
let rooms: TestRooms;
let world: SimulatedPlatforms;
let hub: HubProcess;
let folder: string;
let settings: Record<string, string>;
let subject: string;
let interference: ((platform: SimulatedPlatform, request: Request) => Promise<Response>) | undefined;
const ids = new Map<string, string>();
const connections = new Map<string, { id: string; url: string; secret: string }>();

const json = async <T>(...args: string[]) => {
  const result = await callLethe([...args, "--json"], settings);
  expect(result.err).toBe("");
  return result.json<T>();
};
const sim = (name: string) => {
  const found = sims.find(({ connector }) => connector === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
const held = (name: string) => sim(name).state(ids.get(name) ?? "", "email_marketing");

/** Sends what the platforms want to send, signed, to the hub's door. */
async function deliver(): Promise<void> {
  for (const { connector, outbox } of sims)
    for (const webhook of outbox.splice(0)) {
      const { id, secret } = connections.get(connector) ?? { id: "", secret: "" };
      const sent = {
        ...{ name: connector, about: "", method: "POST", url: "/", answers: new Map(), expect: {} },
        ...webhook,
      };
      const answer = await sendFixture(`${hub.url}/webhooks/${connector}/${id}`, connector, sent, secret);
      expect(answer.status).toBe(200);
    }
}
const show = async () =>
  (await json<ConsentHistoryView[]>("consents", "show", subject)).find(
    ({ purpose }) => purpose === "email_marketing",
  );
/** Until no platform is to be brought in step any more, and no webhook waits. */
async function settled(): Promise<void> {
  await vi.waitFor(
    async () => {
      await deliver();
      const [row] = await rooms.superuser(
        (sql) => sql`select (select count(*) from delivery where status = 'received')
          + (select count(*) from consent_push where status = 'open')
          + (select count(*) from consent_due)
          + (select count(*) from runtime_event where dispatched_at is null)
          + (select count(*) from runtime_run where status = 'running' and function_id like '%propagate%') as busy`,
      );
      expect([Number(row?.busy), sims.flatMap(({ outbox }) => outbox)]).toEqual([0, []]);
    },
    { timeout: 30_000, interval: 50 },
  );
}

/** What comes next is later, beyond doubt, for the clocks of all platforms. */
const secondsPass = () => new Promise((later) => setTimeout(later, 2_300));

beforeAll(async () => {
  rooms = await freshRooms();
  world = await simulatePlatforms(() =>
    sims.map((platform) => ({
      ...platform,
      handle: (request) => interference?.(platform, request) ?? platform.handle(request),
    })),
  );
  folder = mkdtempSync(join(tmpdir(), "lethe-consent-"));
  settings = {
    ...{ DATABASE_URL: rooms.url, LETHE_MASTER_KEY: rooms.masterKey, LETHE_DATA_DIR: folder },
    ...{ LOG_LEVEL: "debug", ...world.environment },
  };
  hub = await startHubProcess(settings);
  const controller = await rooms.controller();
  for (const { connector, account, credentials, add } of sims) {
    const made = await rooms.connection(controller, connector, {
      credentials,
      ...(account === undefined ? {} : { account }),
    });
    connections.set(connector, made);
    ids.set(connector, add({ email: EMAIL }));
  }
  for (const { connector, choose } of sims) choose(ids.get(connector) ?? "", "email_marketing", "granted");
  await settled();
  await secondsPass();
  const subjects = await json<SubjectView[]>("subjects", "list", "--controller", controller);
  subject = subjects[0]?.id ?? "";
});
afterAll(async () => {
  await hub.stop();
  await world.stop();
  await rooms.drop();
  rmSync(folder, { recursive: true, force: true });
});

describe("an unsubscribe on Mailchimp, as it sends it, to a running hub", () => {
  test("reaches the other platforms through their SDKs, in the documented calls, and is on the audit log", async () => {
    for (const { requests } of sims) requests.length = 0;
    sim("mailchimp").choose(ids.get("mailchimp") ?? "", "email_marketing", "withdrawn");
    const [webhook] = sim("mailchimp").outbox.splice(0);
    const { id = "", secret = "" } = connections.get("mailchimp") ?? {};
    const answer = await fetch(`${hub.url}/webhooks/mailchimp/${id}?secret=${encodeURIComponent(secret)}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: webhook?.body ?? "",
    });
    expect(answer.status).toBe(200);
    await expect
      .poll(() => ["shopify", "klaviyo", "customerio"].map(held), { timeout: 20_000 })
      .toEqual([...["withdrawn", "withdrawn", "withdrawn"]]);
    await settled();
    const [asked = "", changed = "", ...more] = calls("shopify");
    expect(asked).toMatch(/^POST \S+\/admin\/api\/2026-07\/graphql\.json \{"query":"query KnownCustomers/);
    expect(changed).toContain("customerEmailMarketingConsentUpdate");
    expect(JSON.parse(changed.slice(changed.indexOf("{"))).variables).toEqual({
      input: {
        customerId: `gid://shopify/Customer/${ids.get("shopify")}`,
        emailMarketingConsent: {
          marketingState: "UNSUBSCRIBED",
          consentUpdatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
        },
      },
    });
    expect(more).toEqual([]);
    const profile = `{"type":"profile","attributes":{"email":"${EMAIL}","subscriptions":{"email":{"marketing":{"consent":"UNSUBSCRIBED"}}}}}`;
    expect(calls("klaviyo")).toEqual([
      `GET https://a.klaviyo.com/api/profiles/${ids.get("klaviyo")}?additional-fields%5Bprofile%5D=subscriptions `,
      `POST https://a.klaviyo.com/api/profile-subscription-bulk-delete-jobs {"data":{"type":"profile-subscription-bulk-delete-job","attributes":{"profiles":{"data":[${profile}]}}}}`,
    ]);
    expect(calls("customerio")).toEqual([
      expect.stringMatching(
        /^GET https:\/\/api\.customer\.io\/v1\/customers\/\S+\/attributes\?id_type=(cio_)?id $/,
      ),
      "GET https://api.customer.io/v1/subscription_channels ",
      expect.stringMatching(
        /^PUT https:\/\/track\.customer\.io\/api\/v1\/customers\/cio_\w+ \{"_update":true,"cio_subscription_preferences\.channels\.email":false\}$/,
      ),
    ]);
    expect(calls("mailchimp").filter((call) => !call.startsWith("GET"))).toEqual([]);

    const shown = await show();
    expect(shown).toMatchObject({ state: "withdrawn", reason: "latest_choice" });
    const outcomes = shown?.platforms.filter(({ state }) => state === "withdrawn") ?? [];
    for (const connector of ["shopify", "klaviyo", "customerio"])
      expect(outcomes.find((push) => push.connector === connector)?.status).toMatch(/^done/);
    expect(shown?.records.filter(({ verdict }) => verdict === "echo").length).toBeGreaterThan(2);
    expect((await runLethe(["audit", "verify"], settings)).code).toBe(0);
  });
});

describe("a hub that is killed", () => {
  test("after a platform took a change and before it could note that, finds it there and changes nothing again", async () => {
    let release = () => {};
    const withheld = new Promise<void>((go) => {
      release = go;
    });
    const taken = Promise.withResolvers<void>();
    interference = async (platform, request) => {
      const answer = await platform.handle(request);
      if (platform.connector !== "shopify" || !sim("shopify").requests.at(-1)?.body.includes("mutation"))
        return answer;
      taken.resolve();
      await withheld;
      return answer;
    };
    for (const { requests } of sims) requests.length = 0;
    await secondsPass();
    sim("klaviyo").choose(ids.get("klaviyo") ?? "", "email_marketing", "granted");
    await deliver();
    await taken.promise;
    // The others are past the moment in which a change is noted and not yet sent: who is killed there leaves it to somebody.
    await expect
      .poll(
        () => rooms.sql`
          select n.connector from consent_push p join connection n on n.controller_id = p.controller_id and n.id = p.connection_id
          where p.status = 'open' and n.connector <> 'shopify'`,
      )
      .toHaveLength(0);
    await hub.kill();
    interference = undefined;
    release();
    hub = await startHubProcess(settings);
    await settled();
    const told = JSON.stringify([await show(), calls("customerio")]);
    expect([held("shopify"), held("customerio")], told).toEqual(["granted", "granted"]);
    expect(calls("shopify").filter((call) => call.includes("mutation"))).toHaveLength(1);
    const shown = await show();
    expect(shown).toMatchObject({ state: "granted" });
    expect(shown?.platforms.find(({ connector }) => connector === "shopify")?.status).toBe("done_verified");
    // Who left Mailchimp can only come back by themselves.
    expect(shown?.platforms.find(({ connector }) => connector === "mailchimp")).toMatchObject({
      ...{ status: "manual", reason: "confirmation_needed" },
    });
  });
});

describe("a platform that comes to hold something else without telling", () => {
  test("is found by drift, and brought in step if that is wanted", async () => {
    const { id } = connections.get("klaviyo") ?? {};
    const drift = (...more: string[]) =>
      runLethe(["consents", "drift", "--connection", id ?? "", "--json", ...more], settings);
    expect(await drift()).toMatchObject({ code: 0 });
    await secondsPass();
    sim("klaviyo").choose(ids.get("klaviyo") ?? "", "email_marketing", "withdrawn");
    sim("klaviyo").outbox.length = 0; // the webhook is lost
    const found = await drift();
    expect(found.code).toBe(1);
    expect(found.json<{ differences: unknown[] }>().differences).toMatchObject([
      { connector: "klaviyo", ledger: "granted", platform: "withdrawn", repair: false },
    ]);
    expect((await show())?.state).toBe("granted");
    expect((await drift("--repair")).code).toBe(0);
    await settled();
    // An opt-out that we had not seen counts everywhere.
    expect(await show()).toMatchObject({ state: "withdrawn", reason: "opt_out_reported" });
    expect([held("shopify"), held("customerio")]).toEqual(["withdrawn", "withdrawn"]);
    expect((await drift()).code).toBe(0);
  });
});

describe("of the person", () => {
  test("nothing is left in the clear, in any table or log", async () => {
    const dump = await dumpOf(rooms);
    expect(dump).toContain("consent/push");
    for (const text of [
      EMAIL,
      Buffer.from(EMAIL).toString("hex"),
      Buffer.from(EMAIL).toString("base64").slice(0, -4),
      "canary",
      ...ids.values(),
    ])
      for (const place of [dump, hub.output()]) expect(place.includes(text), text).toBe(false);
    const [contacts] = await rooms.superuser((sql) => sql`select count(*)::int as left from consent_contact`);
    expect(contacts?.left).toBe(0);
  });
});

/** What was asked of a platform, without what differs from run to run. */
function calls(name: string): string[] {
  return sim(name).requests.map(({ method, url, body }) => `${method} ${url} ${body}`);
}
