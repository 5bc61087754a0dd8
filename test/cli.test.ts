import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConnectionView, ControllerView, DeliveryView } from "#schemas";
import { fixture, runLethe, sendFixture } from "#test";

import { at, connect, json, lethe, SECRET, settled, useHub } from "./support/commands.ts";
import { callLethe } from "./support/lethe.ts";

useHub({ here: true });

describe("lethe controller", () => {
  test("adds one with its DID, and lists it", async () => {
    const added = await json<{ id: string; did: string }>(
      ...["controller", "add", "Beispiel AG", "--environment", "live"],
    );
    expect(added.did).toMatch(/^did:lethe:[0-9a-f]{64}$/);
    const listed = ControllerView.array().parse(await json("controller", "list"));
    expect(listed.find(({ id }) => id === added.id)).toMatchObject({
      name: "Beispiel AG",
      environment: "live",
    });
  });

  test("asks for an environment, because it is for life", async () => {
    const missing = await lethe("controller", "add", "Acme");
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining("--environment") });
    const wrong = await lethe("controller", "add", "Acme", "--environment", "production");
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("live or sandbox") });
  });
});

describe("lethe connection", () => {
  test("adds one whose URL takes what is signed with its secret, and only that", async () => {
    const shop = await connect("shopify");
    expect(shop.url).toBe(`${at.hub.url}/webhooks/shopify/${shop.id}`);
    expect((await shop.send("customers-create")).status).toBe(200);
    expect((await shop.send("customers-create", { body: "{}" })).status).toBe(401);
    const [listed] = ConnectionView.array()
      .parse(await json("connection", "list", "--controller", at.controller))
      .filter(({ id }) => id === shop.id);
    expect(listed).toMatchObject({ connector: "shopify", status: "active", secrets: 1 });
  });

  test("reads the secret from standard input when it is -, and holds the account against every request", async () => {
    const added = await runLethe(
      [
        ...["connection", "add", "shopify", "--controller", at.controller, "--secret", "-"],
        ...["--account", "Other.myshopify.com", "--json"],
      ],
      at.settings,
      `${SECRET}\n`,
    );
    const { url } = added.json<{ url: string }>();
    const response = await sendFixture(url, "shopify", fixture("shopify/customers-create"), SECRET);
    expect(response.status).toBe(401);
  });

  test.each([
    ["an empty secret", ["shopify", "--secret", " "], 1, "connection/empty-secret"],
    [
      "a secret that is none of the platform's",
      ["surveymonkey", "--secret", "one-part"],
      1,
      "client_id&client_secret) [connection/bad-secret]",
    ],
    ["a generic platform without a mapping", ["generic", "--secret", "s"], 1, "connection/no-configuration"],
    [
      "a mapping for a platform that has a connector",
      ["stripe", "--secret", "s", "--configuration", "connectors/generic/example.json"],
      1,
      "connection/not-configurable",
    ],
    ["a platform that it does not know", ["myspace", "--secret", "s"], 1, "connection/unknown-connector"],
    ["a region that is none", ["shopify", "--secret", "s", "--region", "Canada"], 1, "connection/bad-region"],
    [
      "a file that is not there",
      ["shopify", "--secret", "s", "--credentials", "/none.json"],
      1,
      "unreadable-file",
    ],
    ["no secret at all", ["shopify"], 2, "--secret"],
  ])("refuses %s", async (_, args, code, named) => {
    const refused = await lethe("connection", "add", ...args, "--controller", at.controller);
    expect(refused).toMatchObject({ code, out: "", err: expect.stringContaining(named) });
  });

  test("connects a platform by a mapping, names the place at fault in a bad one, and can replace it", async () => {
    const file = join(at.folder, "mapping.json");
    const mapping = JSON.parse(readFileSync("connectors/generic/example.json", "utf8"));
    const add = (given: unknown) => {
      writeFileSync(file, JSON.stringify(given));
      const args = ["connection", "add", "generic", "--controller", at.controller, "--json"];
      return lethe(...args, "--secret", "whsec_c2VjcmV0", "--configuration", file);
    };
    const bad = structuredClone(mapping);
    bad.topics["contact.updated"].subject.phone = "contact.phone";
    expect(await add(bad)).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /topics\["contact.updated"\].subject.phone: .*contact.phone.* is not a JSONPath/,
      ),
    });
    const added = await add({ ...mapping, signature: { scheme: "url-secret" } });
    const { id, url } = added.json<{ id: string; url: string }>();
    expect(url).toContain("?secret=whsec_c2VjcmV0");

    writeFileSync(file, JSON.stringify({ ...mapping, signature: { scheme: "standard-webhooks" } }));
    expect(await lethe("connection", "update", id, "--configuration", file)).toMatchObject({
      code: 0,
      err: "",
    });
    const [listed] = (await lethe("connection", "list", "--json"))
      .json<{ id: string; url: string }[]>()
      .filter((one) => one.id === id);
    expect(listed?.url).not.toContain("secret=");
    expect(await lethe("connection", "update", id)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--credentials"),
    });
  });

  test("names the field at fault in credentials, without their values", async () => {
    const file = join(at.folder, "credentials.json");
    writeFileSync(file, JSON.stringify({ shop: "acme.myshopify.com", accessToken: 12_345_678 }));
    const refused = await lethe(
      ...[
        "connection",
        "add",
        "shopify",
        "--controller",
        at.controller,
        "--secret",
        "s",
        "--credentials",
        file,
      ],
    );
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/accessToken: .*\[connection\/bad-credentials\]/);
    expect(refused.err).not.toContain("12345678");
  });

  test("refuses credentials that the platform's API could not be called with, and names what they lack", async () => {
    const file = join(at.folder, "mailchimp.json");
    writeFileSync(file, JSON.stringify({ apiKey: "0123456789abcdef0123456789abcdef-us21" }));
    const add = ["connection", "add", "mailchimp", "--controller", at.controller, "--secret", SECRET];
    const lacking = {
      ...{ code: 1, out: "" },
      err: expect.stringMatching(/no usable "listId".*--credentials.*\[platform\/no-credentials\]/),
    };
    // Its account is its audience: without one, the credentials have to say it.
    expect(await lethe(...add, "--credentials", file)).toMatchObject(lacking);
    const { id } = await json<{ id: string }>(...add);
    expect(await lethe("connection", "update", id, "--credentials", file)).toMatchObject(lacking);
    const tied = await json<{ id: string }>(...add, "--account", "a6b5da1054", "--credentials", file);
    const updated = await lethe("connection", "update", tied.id, "--credentials", file);
    expect(updated).toMatchObject({ code: 0, err: "" });
    for (const next of ["lethe consents retry --status manual", "lethe rights list"])
      expect(updated.out).toContain(next);
    expect(updated.out).not.toContain("deliveries replay"); // nothing is fetched from Mailchimp
  });

  test("rotates a secret: both count for a while, and at a running hub at once", async () => {
    const shop = await connect("shopify");
    const rotated = await runLethe(
      ["connection", "rotate-secret", shop.id, "--secret", "-", "--keep-hours", "2"],
      at.settings,
      "the new secret",
    );
    expect(rotated.code).toBe(0);
    const sample = fixture("shopify/customers-create");
    await expect
      .poll(async () => (await sendFixture(shop.url, "shopify", sample, "the new secret")).status)
      .toBe(200);
    expect((await shop.send("customers-update")).status).toBe(200);
  });

  test("removes one: its door is closed, its records stay", async () => {
    const shop = await connect("shopify");
    await shop.send("customers-create");
    await json("connection", "remove", shop.id);
    const removed = await json<ConnectionView[]>("connection", "list");
    expect(removed.find(({ id }) => id === shop.id)).toMatchObject({ status: "removed", secrets: 0 });
    await expect.poll(async () => (await shop.send("customers-update")).status).toBe(404);
    await settled(shop.id);
    const deliveries = await json<DeliveryView[]>("deliveries", "list");
    expect(deliveries.filter(({ connection }) => connection === shop.id)).toHaveLength(1);
  });
});

describe("lethe deliveries", () => {
  test("lists them, newest first, by status, platform and number", async () => {
    const shop = await connect("shopify");
    await shop.send("customers-create");
    await settled(shop.id);
    const listed = DeliveryView.array().parse(
      await json("deliveries", "list", "--status", "processed", "--connector", "shopify", "--limit", "2"),
    );
    expect(listed[0]).toMatchObject({
      connector: "shopify",
      topic: "customers/create",
      status: "processed",
      attempts: 1,
      error: null,
    });
    expect(listed.length).toBeLessThanOrEqual(2);
    expect(listed.map(({ receivedAt }) => receivedAt)).toEqual(
      listed
        .map(({ receivedAt }) => receivedAt)
        .sort()
        .reverse(),
    );
    expect(await json("deliveries", "show", listed[0]?.id ?? "")).toEqual(listed[0]);
    expect(await json("deliveries", "list", "--connector", "stripe", "--since", "2999-01-01")).toEqual([]);
  });

  test("replays what failed: first a dry run, then in truth, by id or all at once", async () => {
    const shop = await connect("shopify");
    // The first two are no JSON; signed all the same, so accepted.
    for (const body of ["{", "[", "{}"]) await shop.send("customers-create", { body, headers: signed(body) });
    await settled(shop.id);
    const failed = await json<DeliveryView[]>("deliveries", "list", "--status", "failed");
    expect(failed.length).toBeGreaterThanOrEqual(2);
    expect(failed[0]).toMatchObject({ attempts: 1, error: expect.stringMatching(/^[a-z]+\/[a-z-]+: /) });

    const dry = await json<{ id: string; outcome: string }[]>(
      ...["deliveries", "replay", "--status", "failed", "--dry-run"],
    );
    expect(dry.map(({ id }) => id).sort()).toEqual(failed.map(({ id }) => id).sort());
    expect(new Set(dry.map(({ outcome }) => outcome))).toEqual(new Set(["would_replay"]));
    expect(await json("deliveries", "show", failed[0]?.id ?? "")).toEqual(failed[0]);

    const one = failed[0]?.id ?? "";
    expect(await json("deliveries", "replay", one)).toMatchObject([{ id: one, outcome: "replayed" }]);
    await expect
      .poll(async () => (await json<DeliveryView>("deliveries", "show", one)).attempts, { timeout: 10_000 })
      .toBe(2);
    const all = await json<{ outcome: string }[]>("deliveries", "replay", "--status", "failed");
    expect(all).toHaveLength(failed.length);
  });

  test("says why it does not replay: not failed, unknown, or nothing named", async () => {
    const [processed] = await json<DeliveryView[]>("deliveries", "list", "--status", "processed");
    const refused = await lethe("deliveries", "replay", processed?.id ?? "");
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining("it did not fail") });
    const unknown = await lethe("deliveries", "replay", crypto.randomUUID());
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("intake/unknown-delivery") });
    expect((await lethe("deliveries", "replay")).code).toBe(2);
    const both = await lethe("deliveries", "replay", processed?.id ?? "", "--connector", "stripe");
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining("cli/ids-or-filters") });
    const twice = await lethe("deliveries", "replay", processed?.id ?? "", processed?.id ?? "", "--json");
    expect(twice.json()).toMatchObject([{ id: processed?.id, outcome: "not_failed" }]);
    expect((await lethe("deliveries", "list", "--status", "lost")).code).toBe(2);
    expect((await lethe("deliveries", "list", "--since", "yesterday")).code).toBe(2);
  });
});

describe("an id that is none", () => {
  test.each([
    [["deliveries", "show", "abc"], "delivery"],
    [["deliveries", "replay", crypto.randomUUID(), "abc"], "deliveries"],
    [["subjects", "show", "abc"], "subject"],
    [["audit", "proof", "abc", "--controller", crypto.randomUUID()], "event"],
    [["connection", "remove", "abc"], "connection"],
  ])("is refused before anything is opened: %j", async (args, argument) => {
    // No database answers there: that it is not asked shows in the message.
    const refused = await callLethe(args, { ...at.settings, DATABASE_URL: "postgres://127.0.0.1:1/none" });
    expect(refused).toMatchObject({ code: 2, out: "" });
    expect(refused.err).toContain(`'abc' is invalid for argument '${argument}'. It must be a UUID.`);
  });
});

/** Headers of a body that Shopify would have signed, under an id of its own. */
function signed(body: string): Record<string, string> {
  return {
    "x-shopify-hmac-sha256": createHmac("sha256", SECRET).update(body).digest("base64"),
    "x-shopify-webhook-id": crypto.randomUUID(),
  };
}
