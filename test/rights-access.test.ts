import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { shredFiles } from "#rights";
import type { ControllerId, RightsCaseView } from "#schemas";
import {
  freshRooms,
  type HubProcess,
  type SimulatedPlatforms,
  sendFixture,
  simulatePlatforms,
  startHubProcess,
  type TestRooms,
} from "#test";
import { filesOf } from "./support/bundle.ts";
import { callLethe, runLethe } from "./support/lethe.ts";
import { type Mailbox, openMailbox } from "./support/mailbox.ts";
import { simulateCustomerIo } from "./support/platforms/customerio.ts";
import { simulateKlaviyo } from "./support/platforms/klaviyo.ts";
import { simulateMailchimp } from "./support/platforms/mailchimp.ts";
import { simulateShopify } from "./support/platforms/shopify.ts";
import type { ReceivedMail } from "./support/received-mail.ts";

const EMAIL = "canary-jenny@example.com";
const NAMES = ["Shopify", "Mailchimp", "Klaviyo", "Customer.io"];
const sims = [simulateShopify(), simulateMailchimp(), simulateKlaviyo(), simulateCustomerIo()];
let rooms: TestRooms;
let world: SimulatedPlatforms;
let mailbox: Mailbox;
let hub: HubProcess;
let folder: string;
let settings: Record<string, string>;
let controller: ControllerId;
const ids: string[] = [];

beforeAll(async () => {
  rooms = await freshRooms();
  world = await simulatePlatforms(() => sims);
  mailbox = await openMailbox();
  folder = mkdtempSync(join(tmpdir(), "lethe-access-"));
  settings = {
    ...{ DATABASE_URL: rooms.url, LETHE_MASTER_KEY: rooms.masterKey, LETHE_DATA_DIR: folder },
    ...{ LETHE_SMTP_URL: mailbox.url, LETHE_MAIL_FROM: "Acme Privacy <privacy@acme.example>" },
  };
  hub = await startHubProcess({ ...settings, LOG_LEVEL: "debug", ...world.environment });
  controller = await rooms.controller();
  for (const { connector, account, credentials, add, choose, outbox } of sims) {
    const more = account === undefined ? {} : { account };
    const { id, secret } = await rooms.connection(controller, connector, { credentials, ...more });
    const known = add({ email: EMAIL });
    ids.push(known);
    choose(known, "email_marketing", "granted");
    for (const webhook of outbox.splice(0)) {
      const sent = { name: connector, about: "", method: "POST", url: "/", answers: new Map(), expect: {} };
      const url = `${hub.url}/webhooks/${connector}/${id}`;
      expect((await sendFixture(url, connector, { ...sent, ...webhook }, secret)).status).toBe(200);
    }
  }
  await vi.waitFor(async () => expect(await count("delivery where status = 'processed'")).toBe(sims.length), {
    timeout: 20_000,
  });
});
afterAll(async () => {
  await hub.stop();
  await mailbox.close();
  await world.stop();
  await rooms.drop();
  rmSync(folder, { recursive: true, force: true });
});

const rows = <T extends object>(statement: string): Promise<T[]> =>
  rooms.superuser((sql) => sql.unsafe<T[]>(statement));
const count = async (from: string) =>
  (await rows<{ n: number }>(`select count(*)::int as n from ${from}`))[0]?.n;
const json = async <T>(...args: string[]) => {
  const result = await callLethe([...args, "--json"], settings);
  expect(result).toMatchObject({ code: 0, err: "" });
  return result.json<T>();
};
const show = (id: string) => json<RightsCaseView>("rights", "show", id);
const until = (id: string, status: string) =>
  expect.poll(async () => (await show(id)).status, { timeout: 15_000 }).toBe(status);

async function ask(kind: string, email = EMAIL): Promise<string> {
  const response = await fetch(`${hub.url}/rights/${controller}`, {
    ...{ method: "POST", headers: { "content-type": "application/json" } },
    body: JSON.stringify({ kind, email }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { request: string }).request;
}
const press = (link: string) => fetch(link, { method: "POST" });

/** The link of a mail to the person. */
function linkIn({ to, from, text }: ReceivedMail, what: string, email = EMAIL): string {
  expect({ to, from }).toEqual({ to: [email], from: "privacy@acme.example" });
  const link = new RegExp(`${hub.url}/rights/${what}/[\\w-]+`).exec(text)?.[0];
  if (link === undefined) throw new Error(`no link in ${text}`);
  return link;
}

/** Everything in the tables of rights requests, as text. */
async function stored(): Promise<string> {
  const tables = ["request", "move", "challenge", "task", "part", "notice"];
  const texts = tables.map((table) => rows<{ t: string }>(`select r::text as t from rights_${table} r`));
  return (await Promise.all(texts))
    .flat()
    .map(({ t }) => t)
    .join("\n");
}

/** Two days pass for the messages that were sent, and for the runs that sleep until they run out. */
async function twoDaysPass(request: string): Promise<void> {
  await rows(
    `update rights_challenge set expires_at = expires_at - interval '48 hours' where request_id = '${request}'`,
  );
  await rows(`update runtime_queue q set run_at = q.run_at - interval '48 hours' from runtime_run r
    where r.id = q.run_id and r.function_id like '%receive-rights-request' and r.events::text like '%${request}%'`);
}

describe("somebody known on four platforms who asks what there is of them", () => {
  test("confirms by a mail, and gets it all in a file that they alone can open, and nothing of it stays", async () => {
    const id = await ask("access");
    const mail = await mailbox.next();
    const link = linkIn(mail, "verify");
    expect(mail.text).toContain("a copy of your personal data");
    expect((await show(id)).acknowledgedAt).not.toBeNull();

    // Whoever asks a second time, or looks at the link, gets nothing by that.
    expect(await ask("access", EMAIL.toUpperCase())).toBe(id);
    expect((await fetch(link)).status).toBe(200);
    expect((await callLethe(["rights", "approve", id], settings)).err).toContain("rights/illegal-move");
    expect(await count("rights_task")).toBe(0);
    expect(await show(id)).toMatchObject({ status: "verifying", subject: null });

    const confirmed = await press(link);
    expect(confirmed.status).toBe(200);
    const passphrase = /class="passphrase"[^>]*>([^<]+)</.exec(await confirmed.text())?.[1] ?? "";
    expect(passphrase).toMatch(/^(\w{5}-){4}\w{5}$/);
    expect(await show(id)).toMatchObject({ status: "verified", subject: expect.any(String) });
    await json("rights", "approve", id);
    await until(id, "fulfilled");

    const ready = await mailbox.next();
    expect(ready.text).not.toContain(passphrase);
    const download = linkIn(ready, "download");
    const page = await fetch(download);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const file = new Uint8Array(await (await press(download)).arrayBuffer());
    const files = await filesOf(file, passphrase);
    await expect(filesOf(file, passphrase.replace(/.$/, "!"))).rejects.toThrow();

    const report = files["report.html"] ?? "";
    for (const name of NAMES) expect(report).toContain(`What ${name} holds`);
    expect(report.match(/Your data there were collected/g)).toHaveLength(4);
    // What the hub knows, and what each platform does: a name, an address, and what they agreed to.
    for (const words of [
      "Marketing by e-mail",
      "You agreed",
      "E-mail address",
      "Carla",
      "Canary Wharf",
      EMAIL,
    ])
      expect(report).toContain(words);
    const data = JSON.parse(files["data.json"] ?? "") as { platforms: { name: string; file: string }[] };
    expect(data.platforms.map(({ name }) => name).toSorted()).toEqual(NAMES.toSorted());
    for (const { name, file: named } of data.platforms) {
      expect([name, files[named]]).toEqual([name, expect.stringContaining(EMAIL)]);
      const known = ids[NAMES.indexOf(name)] ?? "";
      expect([name, files[named]]).toEqual([name, expect.stringContaining(known)]);
    }

    await expect.poll(() => count("rights_notice where status = 'open'")).toBe(0);
    await expect.poll(() => count("rights_request where details is not null or contact is not null")).toBe(0);
    expect(await count("rights_challenge")).toBe(0);
    expect(await count("rights_part")).toBe(0);
    expect(await count("rights_bundle")).toBe(1);
    const left = (await stored()).toLowerCase();
    for (const trace of [EMAIL, ...ids])
      for (const text of [trace, Buffer.from(trace).toString("hex"), Buffer.from(trace).toString("base64")])
        expect(left).not.toContain(text.toLowerCase());
    for (const secret of [EMAIL, passphrase, link.slice(-80), download.slice(-80)])
      expect(hub.output()).not.toContain(secret);
    expect((await callLethe(["audit", "verify"], settings)).code).toBe(0);

    await rows("update rights_bundle set expires_at = now() - interval '1 second'");
    expect((await press(download)).status).toBe(410);
    await rooms.database.inController(controller, shredFiles);
    expect(await count("rights_bundle")).toBe(0);
    expect((await press(download)).status).toBe(410);
    expect((await press(link)).status).toBe(410);
  });

  test("and never confirms is not answered: the request expires, and what named them is gone", async () => {
    const id = await ask("portability");
    const link = linkIn(await mailbox.next(), "verify");
    expect((await show(id)).status).toBe("verifying");
    await twoDaysPass(id);
    expect((await press(link)).status).toBe(410);
    await until(id, "expired");
    expect(await count("rights_request where details is not null or contact is not null")).toBe(0);
    expect(await count("rights_challenge")).toBe(0);
    expect(await count(`rights_task where request_id = '${id}'`)).toBe(0);
    // They may ask again, which is a new request.
    const again = await ask("portability");
    expect(again).not.toBe(id);
    linkIn(await mailbox.next(), "verify");
    await json("rights", "cancel", again);
    expect((await show(again)).status).toBe("cancelled");
    expect(await count("rights_request where details is not null or contact is not null")).toBe(0);
  });

  test("and is refused is told why, and where they can complain", async () => {
    const id = await ask("access");
    await press(linkIn(await mailbox.next(), "verify"));
    await json("rights", "deny", id, "--reason", "too_many_requests");
    const { text, to } = await mailbox.next();
    expect(to).toEqual([EMAIL]);
    expect(text).toContain("You have made the same request too often");
    expect(text).toMatch(/right to lodge a complaint with a data protection authority.* and to go to court/);
    expect(await show(id)).toMatchObject({
      status: "denied",
      denialReason: "too_many_requests",
      platforms: [],
    });
    await expect.poll(() => count("rights_request where details is not null or contact is not null")).toBe(0);
    expect(await count("rights_challenge")).toBe(0);
  });
});

describe("a request by letter", () => {
  const open = (input: string, ...args: string[]) =>
    runLethe(["rights", "open", "--controller", controller, "--kind", "access", ...args], settings, input);
  const jenny = async () =>
    (await rows<{ id: string }>("select id from subject where merged_into is null"))[0]?.id ?? "";

  test("is not confirmed by an address that is not known to be the person's", async () => {
    const before = await count("rights_request");
    for (const address of ["canary-mallory@example.com", "canary-jenny+x@example.com"]) {
      const { code, err } = await open(address, "--subject", await jenny(), "--email", "-");
      expect([code, err]).toEqual([1, expect.stringContaining("rights/not-their-address")]);
      expect(err).not.toContain("canary");
    }
    expect(await count("rights_request")).toBe(before);
    const theirs = await open(EMAIL.toUpperCase(), "--subject", await jenny(), "--email", "-", "--json");
    expect(theirs).toMatchObject({ code: 0 });
    const { request } = theirs.json<{ request: string }>();
    linkIn(await mailbox.next(), "verify");
    await json("rights", "cancel", request);
  });

  test("does not expire with its message, nor does one that the person had made already", async () => {
    const address = "canary-letter@example.com";
    const own = (await open(address, "--email", "-", "--json")).json<{ request: string }>().request;
    linkIn(await mailbox.next(), "verify", address);
    const theirs = await ask("portability", address);
    linkIn(await mailbox.next(), "verify", address);
    const args = ["--kind", "portability", "--email", "-", "--json"];
    expect((await open(address, ...args)).json()).toMatchObject({ request: theirs, joined: true });
    await twoDaysPass(own);
    await twoDaysPass(theirs);
    const asleep = `runtime_run where status = 'running' and function_id like '%receive-rights-request'
      and events::text similar to '%(${own}|${theirs})%'`;
    await expect.poll(() => count(asleep), { timeout: 15_000 }).toBe(0);
    for (const id of [own, theirs]) {
      expect(await show(id)).toMatchObject({ status: "verifying", source: "operator" });
      await json("rights", "cancel", id);
    }
  });

  test("whose person has no address is yours to verify, and to hand the file over", async () => {
    const { request } = (await open("", "--subject", await jenny(), "--json")).json<{ request: string }>();
    await until(request, "verifying");
    const [listed] = await json<RightsCaseView[]>("rights", "list", "--open");
    expect([listed?.id, listed?.toHandOver]).toEqual([request, false]);
    await json("rights", "verify", request, "--by", "document");
    await json("rights", "approve", request);
    await until(request, "fulfilled");
    expect((await show(request)).toHandOver).toBe(true);
    expect((await callLethe(["rights", "list"], settings)).out).toContain("hand over");
    await json("rights", "bundle", request, "--out", join(folder, "data.zip"));
    expect((await show(request)).toHandOver).toBe(false);
  });
});

describe("somebody whom nobody knows", () => {
  test("gets a file that says so, once they have confirmed", async () => {
    const stranger = "canary-stranger@example.com";
    const id = await ask("access", stranger);
    const confirmed = await press(linkIn(await mailbox.next(), "verify", stranger));
    const passphrase = /class="passphrase"[^>]*>([^<]+)</.exec(await confirmed.text())?.[1] ?? "";
    await json("rights", "approve", id);
    await until(id, "fulfilled");
    expect((await show(id)).platforms.map(({ status }) => status)).toEqual([
      ...["not_found", "not_found", "not_found", "not_found", "done"],
    ]);
    const download = linkIn(await mailbox.next(), "download", stranger);
    const files = await filesOf(new Uint8Array(await (await press(download)).arrayBuffer()), passphrase);
    expect(Object.keys(files).toSorted()).toEqual(["data.json", "report.html"]);
    expect(files["report.html"]?.match(/Nothing was found there/g)).toHaveLength(4);
    expect(files["report.html"]).not.toContain("Carla");
  });
});
