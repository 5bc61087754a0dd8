import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
const ids = new Map<string, string>();
const connections = new Map<string, { id: string; url: string; secret: string }>();

const json = async <T>(...args: string[]) => {
  const result = await runLethe([...args, "--json"], settings);
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
  await expect
    .poll(
      async () => {
        await deliver();
        const [row] = await rooms.superuser(
          (sql) => sql`select (select count(*) from delivery where status = 'received')
            + (select count(*) from consent_push where status = 'open')
            + (select count(*) from runtime_event where dispatched_at is null)
            + (select count(*) from runtime_run where status = 'running' and function_id like '%propagate%') as busy`,
        );
        return Number(row?.busy) + sims.flatMap(({ outbox }) => outbox).length;
      },
      { timeout: 30_000 },
    )
    .toBe(0);
}

beforeAll(async () => {
  rooms = await freshRooms();
  world = await simulatePlatforms(() => sims);
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
    expect(calls("shopify")).toEqual([]);
    expect(calls("klaviyo")).toEqual([]);
    expect(calls("customerio")).toEqual([]);
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

/** What was asked of a platform, without what differs from run to run. */
function calls(name: string): string[] {
  return sim(name).requests.map(({ method, url, body }) => `${method} ${url} ${body}`);
}
