import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  fixture,
  type HubProcess,
  runLethe,
  type SimulatedPlatforms,
  sendFixture,
  simulatePlatforms,
  startHubProcess,
} from "#test";
import { filesOf } from "./support/bundle.ts";
import { type Mailbox, openMailbox, type ReceivedMail } from "./support/mailbox.ts";
import { simulateCustomerIo } from "./support/platforms/customerio.ts";
import { simulateKlaviyo } from "./support/platforms/klaviyo.ts";
import { simulateMailchimp } from "./support/platforms/mailchimp.ts";
import { simulateShopify } from "./support/platforms/shopify.ts";
import { inPostgres, searchFor, writtenIn } from "./support/search.ts";

/**
 * People who exercise their rights, by a platform and by themselves, up to the file that they download: nothing of them, and
 * nothing that opens what is theirs, is in any file, log, answer or message but where it has to be.
 */
const JENNY = { email: "jenny.canary@example.com", phone: "+16135550177" };
/** Known by a webhook alone: no platform has her any more. */
const NORA = { id: "706405506930379999", email: "nora.canary@example.com", phone: "+16135550166" };
/** Never heard of. */
const STRANGER = "stranger.canary@example.com";
const CORRECTED = "Canary-Corrected";
/** What the platforms give of a person, beside. */
const GIVEN = ["Carla Canary", "1 Canary Wharf", "E14 5AB", "203.0.113.7", "9007199254740993"];
const SECRET = "secret-of-the-shop";

const shopify = simulateShopify();
const mailchimp = simulateMailchimp();
const sims = [shopify, mailchimp, simulateKlaviyo(), simulateCustomerIo()];

let dataDir: string;
let given: string;
let mailbox: Mailbox;
let platforms: SimulatedPlatforms;
let hub: HubProcess;
let controller: string;
let shop: string;
const printed: string[] = [];
/** What opens something: codes, links, a passphrase. In a message or a page, and nowhere else. */
const keys: string[] = [];

async function lethe(args: string[], input = ""): Promise<string> {
  const run = await runLethe(args, { LETHE_DATA_DIR: dataDir, LOG_LEVEL: "debug" }, input);
  printed.push(run.out, run.err);
  expect(run, args.join(" ")).toMatchObject({ code: 0 });
  return run.out;
}
const json = async <T>(args: string[], input?: string) =>
  JSON.parse(await lethe([...args, "--json"], input)) as T;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "lethe-leak-"));
  given = mkdtempSync(join(tmpdir(), "lethe-given-"));
  mailbox = await openMailbox();
  platforms = await simulatePlatforms(() => sims);
  hub = await startHubProcess({
    ...{ ...platforms.environment, LETHE_DATA_DIR: dataDir, LOG_LEVEL: "debug" },
    ...{ LETHE_SMTP_URL: mailbox.url, LETHE_MAIL_FROM: "Acme Privacy <privacy@acme.example>" },
  });
  controller = (await json<{ id: string }>(["controller", "add", "Acme", "--environment", "sandbox"])).id;
  const urls = sims.map(async ({ connector, account, credentials }) => {
    const file = join(given, `${connector}.json`);
    writeFileSync(file, JSON.stringify(credentials));
    const { url } = await json<{ url: string }>([
      ...["connection", "add", connector, "--controller", controller, "--secret", SECRET],
      ...["--credentials", file, ...(account === undefined ? [] : ["--account", account])],
    ]);
    return url;
  });
  [shop = ""] = await Promise.all(urls);
}, 60_000);
afterAll(async () => {
  await hub.stop();
  await platforms.stop();
  await mailbox.close();
  for (const folder of [dataDir, given]) rmSync(folder, { recursive: true, force: true });
});

/** A webhook of the shop's about somebody. */
async function tell(name: string, person: { id: string; email: string; phone: string }): Promise<void> {
  const sent = fixture(`shopify/${name}`);
  const body = sent.body
    .replaceAll("bob@example.com", person.email)
    .replaceAll("706405506930370084", person.id)
    .replaceAll("+16135550188", person.phone);
  const headers = { ...sent.headers, "x-shopify-webhook-id": crypto.randomUUID() };
  const answer = await sendFixture(shop, "shopify", { ...sent, headers, body }, SECRET);
  expect(answer.status).toBe(200);
  printed.push(await answer.text());
}

async function post(path: string, body?: object): Promise<Response> {
  const init = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path.startsWith("http") ? path : `${hub.url}${path}`, {
    method: "POST",
    ...init,
  });
  expect(answer.status).toBeLessThan(300);
  return answer;
}

/** Somebody asks by themselves. Resolves to the request, and what the message says that asks whether it was them. */
async function ask(kind: string, email: string, more: object = {}) {
  const text = await (await post(`/rights/${controller}`, { kind, email, ...more })).text();
  printed.push(text);
  const { request } = JSON.parse(text) as { request: string };
  const link = await linkOf(request, "verify");
  const code = /^ {4}(\d{8})$/m.exec(messageOf(request, link)?.text ?? "")?.[1] ?? "";
  keys.push(code);
  return { request, link, code };
}

/** The link of a request's message, when it has come. */
async function linkOf(request: string, what: "verify" | "download"): Promise<string> {
  const links = () =>
    mailbox.messages
      .filter(({ text }) => text.includes(request))
      .flatMap(({ text }) => new RegExp(`^http\\S+/rights/${what}/\\S+$`, "m").exec(text)?.[0] ?? []);
  await expect.poll(links, { timeout: 20_000 }).toHaveLength(1);
  const [link = ""] = links();
  keys.push(link.split("/").at(-1) ?? "");
  return link;
}

const messageOf = (request: string, saying: string) =>
  mailbox.messages.find(({ text }) => text.includes(request) && text.includes(saying));

/** Kind and status of every request, without a command for each look. */
const states = () =>
  inPostgres(
    dataDir,
    (sql) =>
      sql<{ id: string; state: string }[]>`select id, kind || ' ' || status as state from rights_request`,
  );
const isClosed = (request: string) =>
  expect
    .poll(async () => (await states()).find(({ id }) => id === request)?.state, { timeout: 20_000 })
    .toMatch(/fulfilled/);

describe("nothing personal is found of somebody who", () => {
  test("is erased, shown their data, or corrected: in any file, log, answer or message", async () => {
    for (const sim of sims) if (sim !== shopify) sim.add(JENNY);
    const id = shopify.add(JENNY);
    shopify.order(id);
    await tell("customers-create", { id, ...JENNY });
    await tell("customers-create", NORA);
    // The shop asks, for what it was asked: one is collected, the other is not there any more.
    await tell("customers-data-request", { id, ...JENNY });
    await tell("customers-redact", NORA);
    await expect
      .poll(async () => (await states()).map(({ state }) => state).sort(), { timeout: 20_000 })
      .toEqual(["access fulfilled", "erasure fulfilled"]);
    const asked = (await states()).find(({ state }) => state.startsWith("access"));
    const handedOver = join(given, "handed-over.zip");
    const { passphrase: told } = await json<{ passphrase: string }>([
      ...["rights", "bundle", asked?.id ?? "", "--out", handedOver],
    ]);

    // They ask themselves: by the link, with a file; by the code, to be forgotten; and to be corrected.
    const access = await ask("access", JENNY.email);
    const page = await (await post(access.link)).text();
    const passphrase = /translate="no">([^<]+)</.exec(page)?.[1] ?? "";
    await lethe(["rights", "approve", access.request]);
    const ready = await linkOf(access.request, "download");
    printed.push(await (await fetch(ready)).text());
    const file = new Uint8Array(await (await post(ready)).arrayBuffer());
    await isClosed(access.request);

    const corrections = { familyName: CORRECTED };
    const rectification = await ask("rectification", JENNY.email, { corrections });
    await post(rectification.link);
    await lethe(["rights", "approve", rectification.request]);
    await expect.poll(() => shopify.customer(id)?.lastName).toBe(CORRECTED);

    for (const email of [STRANGER, JENNY.email]) {
      const { request, code } = await ask("erasure", email);
      const answer = await post(`/rights/${controller}/${request}/verify`, { code });
      printed.push(await answer.text());
      await lethe(["rights", "approve", request, "--note", "nothing to keep"]);
      if (email === STRANGER) {
        await isClosed(request);
        await lethe(["rights", "evidence", request, "--out", join(dataDir, "evidence")]);
      }
      // The shop puts an erasure off: it has been asked for, and is looked at later.
      else await expect.poll(() => tasksOf(request), { timeout: 20_000 }).toContain("shopify asked");
      await lethe(["rights", "show", request]);
    }
    const unknown = ["subjects", "find", "--controller", controller, "--email", "-", "--json"];
    const gone = await runLethe(unknown, { LETHE_DATA_DIR: dataDir }, NORA.email);
    expect(gone).toMatchObject({ code: 1, out: "[]\n" });
    for (const args of [
      ["rights", "list"],
      ["subjects", "list"],
      ["deliveries", "list"],
      ["audit", "verify"],
    ])
      await json(args);
    printed.push(await (await fetch(`${hub.url}/metrics`)).text());

    // The file holds what it should, for whoever has the passphrase.
    expect(await contentsOf(file, passphrase)).toEqual(expect.stringMatching(/Carla[\s\S]*1 Canary Wharf/));
    expect(await contentsOf(readFileSync(handedOver), told)).toContain("1 Canary Wharf");

    const people = [
      JENNY.email,
      JENNY.phone,
      NORA.id,
      NORA.email,
      NORA.phone,
      STRANGER,
      CORRECTED,
      id,
      ...GIVEN,
    ];
    const places = await writtenIn(dataDir);
    places.set("what the hub printed", Buffer.from(hub.output()));
    // The operator, who hands a file over, is told its passphrase.
    places.set("what the commands printed", Buffer.from(printed.join("\n").replaceAll(told, "")));
    places.set("the file", file);
    places.set("the file for the shop", readFileSync(handedOver));
    expect(searchFor([...people, ...keys, passphrase, told])(places)).toEqual([]);
    expect(searchFor([...people, passphrase])(new Map(mailbox.messages.map(saidIn)))).toEqual([]);
    expect(mailbox.messages.length).toBeGreaterThan(5);
    expect(keys.filter((key) => key.length < 8)).toEqual([]);
    for (const { to, headers } of mailbox.messages) expect(headers.get("to")).toEqual(to);
  }, 120_000);
});

const tasksOf = (request: string) =>
  inPostgres(dataDir, async (sql) => {
    const tasks = await sql`select c.connector || ' ' || t.status as state from rights_task t
      join connection c on c.id = t.connection_id where t.request_id = ${request}`;
    return tasks.map(({ state }) => state);
  });

/** A message without its address: that it is for somebody must show there and nowhere else. */
function saidIn({ raw, subject, text, html }: ReceivedMail, index: number): [string, Buffer] {
  const elsewhere = raw.replace(/^To: .*\r\n/m, "");
  return [`message ${index}`, Buffer.from([elsewhere, subject, text, html].join("\n"))];
}

const contentsOf = async (file: Uint8Array, password: string) =>
  Object.values(await filesOf(file, password)).join("\n");
