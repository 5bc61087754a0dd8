import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sealCredentials } from "#intake";
import {
  ConnectionId,
  ConsentHistoryView,
  ConsentReceipt,
  ConsentView,
  ControllerId,
  PurposeView,
  PushView,
} from "#schemas";
import { fixture, runLethe, sendFixture } from "#test";
import { at, connect, json, lethe, settled, useHub } from "./support/commands.ts";

useHub({ here: true });

/** Somebody whom a platform without consent (Stripe) and a list without credentials (Mailchimp) know. */
async function person(): Promise<string> {
  const controller = ControllerId.parse(at.controller);
  const address = `${crypto.randomUUID()}@example.com`;
  const [shop, list] = await Promise.all([
    at.rooms.connection(controller, "stripe"),
    at.rooms.connection(controller, "mailchimp"),
  ]);
  const tell = (connector: string, name: string, to: typeof shop, known: string, own: string) => {
    const sent = fixture(`${connector}/${name}`);
    const url = `${at.hub.url}/webhooks/${connector}/${to.id}`;
    return sendFixture(url, connector, { ...sent, body: sent.body.replaceAll(known, own) }, to.secret);
  };
  await tell("stripe", "customer-created", shop, "bob@example.com", address);
  await tell("mailchimp", "subscribe", list, "bob%40example.com", encodeURIComponent(address));
  await Promise.all([settled(shop.id), settled(list.id)]);
  const [known] = await at.rooms.superuser(
    (sql) =>
      sql`select distinct coalesce(s.merged_into, s.id) as id from identifier_source i join subject s on s.id = i.subject_id where i.connection_id = ${list.id}`,
  );
  return known?.id;
}
const show = async (subject: string) =>
  ConsentHistoryView.array().parse(await json("consents", "show", subject));

/** Until it is known what became of a platform. */
const brought = (subject: string, connector: string) =>
  expect
    .poll(async () => (await show(subject))[0]?.platforms.map((push) => push.connector))
    .toContain(connector);

describe("lethe consents", () => {
  test("set takes down a choice, show tells why it holds, and what could not be brought where", async () => {
    const subject = await person();
    const set = await json<{ record: string; changed: boolean }>(
      ...["consents", "set", subject, "--purpose", "email_marketing", "--state", "withdrawn"],
      ...["--method", "by_phone", "--evidence", "TICKET-4711", "--jurisdiction", "DE"],
    );
    expect(set.changed).toBe(true);
    await brought(subject, "mailchimp");
    const [shown] = await show(subject);
    expect(shown).toMatchObject({ purpose: "email_marketing", state: "withdrawn", reason: "latest_choice" });
    expect(shown?.records[0]).toMatchObject({
      ...{ id: set.record, verdict: "decides", source: "operator", method: "by_phone", connection: null },
      ...{ evidence: "TICKET-4711", jurisdiction: "DE", lawfulBasis: "consent" },
    });
    expect(shown?.records[1]).toMatchObject({ state: "granted", verdict: "older", source: "platform" });
    expect(shown?.records[1]?.evidence).toMatch(/^delivery:/);
    expect(
      shown?.platforms.map(({ connector, status, reason }) => [connector, status, reason]),
    ).toContainEqual(["mailchimp", "manual", "no_credentials"]);
    const pushes = PushView.array().parse(await json("consents", "pushes", "--subject", subject));
    expect(pushes.map(({ id }) => id)).toEqual(
      expect.arrayContaining(shown?.platforms.map(({ id }) => id) ?? []),
    );
    const text = (await lethe("consents", "show", subject)).out;
    for (const words of [
      "email_marketing",
      "the latest choice that the person expressed",
      "TICKET-4711",
      "no_credentials",
    ])
      expect(text).toContain(words);
    expect((await lethe("audit", "verify")).code).toBe(0);
  });

  test("an older choice changes nothing, which is said", async () => {
    const subject = await person();
    const old = ["consents", "set", subject, "--purpose", "email_marketing", "--state", "granted"];
    const result = await lethe(...old, "--at", "2020-01-01T00:00:00Z");
    expect(result.out).toContain("does not change what holds");
    const records = ConsentView.array().parse(await json("consents", "list", "--subject", subject));
    expect(records.filter(({ source }) => source === "operator")).toMatchObject([{ current: false }]);
  });

  test("refuses what cannot be, saying what to do, and records nothing", async () => {
    const subject = await person();
    const set = (...more: string[]) =>
      lethe("consents", "set", subject, "--purpose", "email_marketing", "--state", "granted", ...more);
    expect(await set("--evidence", "jenny@example.com")).toMatchObject({
      code: 1,
      err: expect.stringContaining("consent/bad-value"),
    });
    expect((await set("--evidence", "+4930123456789")).code).toBe(1);
    expect((await set("--jurisdiction", "Germany")).err).toContain("such as DE, US-CA or EU");
    expect((await set("--at", "2999-01-01T00:00:00Z")).err).toContain("consent/in-the-future");
    expect((await set("--at", "soon")).code).toBe(2);
    const unknown = await lethe("consents", "set", subject, "--purpose", "teleport", "--state", "granted");
    expect(unknown.err).toContain("consents purposes add");
    expect((await lethe("consents", "show", at.controller)).err).toContain("subject/unknown");
    const records = await json<unknown[]>("consents", "list", "--subject", subject);
    expect(records).toHaveLength(1);
  });

  test("a controller may have purposes of its own", async () => {
    const added = PurposeView.parse(
      await json(
        "consents",
        "purposes",
        "add",
        "product_news",
        "--title",
        "News",
        "--controller",
        at.controller,
      ),
    );
    expect(added).toMatchObject({ id: "product_news", own: true });
    const again = await lethe(
      ...["consents", "purposes", "add", "product_news", "--title", "x", "--controller", at.controller],
    );
    expect(again.err).toContain("consent/purpose-exists");
    const bad = await lethe(
      "consents",
      "purposes",
      "add",
      "A b",
      "--title",
      "x",
      "--controller",
      at.controller,
    );
    expect(bad.err).toContain("consent/bad-purpose");
    const all = PurposeView.array().parse(
      await json("consents", "purposes", "list", "--controller", at.controller),
    );
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(["email_marketing", "product_news"]));
    const subject = await person();
    await json("consents", "set", subject, "--purpose", "product_news", "--state", "granted");
    expect((await show(subject)).map(({ purpose }) => purpose)).toContain("product_news");
  });

  test("a list of a platform is tied to a purpose, if there is such a list and such a purpose", async () => {
    const list = await connect("customerio");
    const file = join(at.folder, "purposes.json");
    const tie = (what: unknown) => {
      writeFileSync(file, JSON.stringify(what));
      return lethe("connection", "update", list.id, "--purposes", file);
    };
    expect((await tie({ topic_7: "sms_marketing" })).code).toBe(0);
    expect((await tie({ nonsense: "sms_marketing" })).err).toContain('"nonsense" is not a list');
    expect((await tie({ topic_7: "moon_news" })).err).toContain("consents purposes add");
    expect((await tie(["topic_7"])).err).toContain("connection/bad-purposes");
    const shop = await connect("stripe");
    expect((await lethe("connection", "update", shop.id, "--purposes", file)).err).toContain("no lists");
  });

  test("what failed or is left to a person can be tried again", async () => {
    const subject = await person();
    await json("consents", "set", subject, "--purpose", "email_marketing", "--state", "withdrawn");
    await brought(subject, "mailchimp");
    const [push] = (await show(subject))[0]?.platforms.filter(({ status }) => status === "manual") ?? [];
    const retried = await json<{ retried: boolean }[]>("consents", "retry", push?.id ?? "");
    expect(retried).toMatchObject([{ retried: true }]);
    // Still without credentials, it is left to a person again.
    await expect
      .poll(async () => (await show(subject))[0]?.platforms.find(({ id }) => id === push?.id))
      .toMatchObject({ status: "manual", reason: "no_credentials", attempts: 1 });
    expect((await lethe("consents", "retry")).err).toContain("name pushes");
    expect((await lethe("consents", "retry", at.controller)).err).toContain("consent/unknown-push");
  });

  test("drift has nothing to ask where no connection has credentials", async () => {
    expect(await json("consents", "drift", "--subject", await person())).toEqual({
      ...{ differences: [], inStep: 0, notFound: 0, notAsked: {}, reasons: {} },
    });
    const { out } = await lethe("consents", "drift", "--subject", await person());
    expect(out).toContain("No platform was asked: it takes");
  });

  test("drift says which field is missing where the credentials are not enough to ask with", async () => {
    const subject = await person();
    // As an older version took them.
    const [list] = await at.rooms.superuser(
      (
        sql,
      ) => sql`select c.id, c.controller_id from connection c join identifier_source i on i.connection_id = c.id
        where i.subject_id = ${subject} and c.connector = 'mailchimp' limit 1`,
    );
    const [id, controller] = [ConnectionId.parse(list?.id), ControllerId.parse(list?.controller_id)];
    const keys = await at.rooms.ring.keys(controller);
    const sealed = sealCredentials(keys, controller, id, { apiKey: "0123456789abcdef-us21" });
    await at.rooms.superuser((sql) => sql`update connection set credentials = ${sealed} where id = ${id}`);
    expect(await json("consents", "drift", "--subject", subject)).toMatchObject({
      notAsked: { "platform/no-credentials": 1 },
      reasons: { "platform/no-credentials": [expect.stringContaining('no usable "listId"')] },
    });
    const { out } = await lethe("consents", "drift", "--subject", subject);
    expect(out).toContain("No platform could be asked.");
    expect(out).toMatch(/Could not be asked: 1, because .*no usable "listId".*\[platform\/no-credentials\]/);
    expect(out).not.toContain("No platform was asked");
  });

  test("a receipt of a record is checked with the controller's DID document alone, and any change to it is found", async () => {
    const subject = await person();
    const [record] = await json<{ id: string }[]>("consents", "list", "--subject", subject);
    const [receipt, did] = [join(at.folder, "receipt.json"), join(at.folder, "did.json")];
    const written = await json<{ did: string }>("consents", "receipt", record?.id ?? "", "--out", receipt);
    writeFileSync(did, await (await fetch(`${at.hub.url}/.well-known/did.json?did=${written.did}`)).text());
    const verify = () =>
      runLethe(["consents", "verify", receipt, "--did", did], { LETHE_DATA_DIR: "/nowhere" });
    expect(await verify()).toMatchObject({
      code: 0,
      out: expect.stringContaining("signed by its controller"),
    });
    const text = readFileSync(receipt, "utf8");
    expect(ConsentReceipt.parse(JSON.parse(text))).toMatchObject({ "dct:publisher": written.did });
    expect(text).not.toContain("@example.com");
    writeFileSync(receipt, text.replace("ConsentGiven", "ConsentRefused"));
    expect(await verify()).toMatchObject({ code: 1, out: expect.stringContaining("receipt/") });
    expect((await lethe("consents", "receipt", `${crypto.randomUUID()}.0`)).err).toContain(
      "consent/unknown-record",
    );
    expect((await lethe("consents", "receipt", "nonsense")).code).toBe(2);
  });

  test("browser-secret prints what a site signs tokens with, and where to send signals", async () => {
    const printed = await json<{ secret: string; url: string }>(
      ...["consents", "browser-secret", "--controller", at.controller],
    );
    expect(printed.secret).toMatch(/^[\w-]{43}$/);
    expect(printed.url).toBe(`${at.hub.url}/signals/${at.controller}`);
  });
});
