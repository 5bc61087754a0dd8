import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ActivityView,
  ConnectionView,
  ConsentView,
  ControllerView,
  DeliveryView,
  RightsRequestView,
  SubjectView,
} from "#schemas";
import {
  type CommandResult,
  fixture,
  freshRooms,
  type HubProcess,
  runLethe,
  sendFixture,
  startHubProcess,
  type TestRooms,
} from "#test";

/** Every command, as a process of its own, beside a running hub on the same database. */
let rooms: TestRooms;
let hub: HubProcess;
let settings: Record<string, string>;
let controller: string;
const folder = mkdtempSync(join(tmpdir(), "lethe-cli-"));
const SECRET = "the-shop's-client-secret";

const lethe = (...args: string[]) => runLethe(args, settings);
/** Runs a command that must succeed, with `--json`. */
async function json<T>(...args: string[]): Promise<T> {
  const result = await lethe(...args, "--json");
  expect(result).toMatchObject({ code: 0, err: "" });
  return result.json<T>();
}

beforeAll(async () => {
  rooms = await freshRooms();
  settings = { DATABASE_URL: rooms.url, LETHE_MASTER_KEY: rooms.masterKey, LETHE_DATA_DIR: folder };
  hub = await startHubProcess(settings);
  controller = (await json<{ id: string }>("controller", "add", "Acme GmbH", "--environment", "sandbox")).id;
});
afterAll(async () => {
  await hub.stop();
  await rooms.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** A connection made by the command, and a way to send it signed fixtures. */
async function connect(connector: string, ...more: string[]) {
  const added = await json<{ id: string; url: string }>(
    ...["connection", "add", connector, "--controller", controller, "--secret", SECRET, ...more],
  );
  return {
    ...added,
    send: (name: string, change?: Parameters<typeof sendFixture>[4]) =>
      sendFixture(added.url, connector, fixture(`${connector}/${name}`), SECRET, change),
  };
}

const settled = (connection: string) =>
  expect
    .poll(
      async () => {
        const [row] = await rooms.superuser(
          (sql) =>
            sql`select count(*)::int as left from delivery where connection_id = ${connection} and status = 'received'`,
        );
        return row?.left;
      },
      { timeout: 10_000 },
    )
    .toBe(0);

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
    expect(shop.url).toBe(`${hub.url}/webhooks/shopify/${shop.id}`);
    expect((await shop.send("customers-create")).status).toBe(200);
    expect((await shop.send("customers-create", { body: "{}" })).status).toBe(401);
    const [listed] = ConnectionView.array()
      .parse(await json("connection", "list", "--controller", controller))
      .filter(({ id }) => id === shop.id);
    expect(listed).toMatchObject({ connector: "shopify", status: "active", secrets: 1 });
  });

  test("reads the secret from standard input when it is -, and holds the account against every request", async () => {
    const added = await runLethe(
      [
        ...["connection", "add", "shopify", "--controller", controller, "--secret", "-"],
        ...["--account", "Other.myshopify.com", "--json"],
      ],
      settings,
      `${SECRET}\n`,
    );
    const { url } = added.json<{ url: string }>();
    const response = await sendFixture(url, "shopify", fixture("shopify/customers-create"), SECRET);
    expect(response.status).toBe(401);
  });

  test.each([
    ["an empty secret", ["shopify", "--secret", " "], 1, "connection/empty-secret"],
    ["a platform that it does not know", ["myspace", "--secret", "s"], 1, "connection/unknown-connector"],
    ["a region that is none", ["shopify", "--secret", "s", "--region", "Canada"], 1, "connection/bad-region"],
    [
      "a file that is not there",
      ["shopify", "--secret", "s", "--credentials", "/none.json"],
      1,
      "unreadable-credentials",
    ],
    ["no secret at all", ["shopify"], 2, "--secret"],
  ])("refuses %s", async (_, args, code, named) => {
    const refused = await lethe("connection", "add", ...args, "--controller", controller);
    expect(refused).toMatchObject({ code, out: "", err: expect.stringContaining(named) });
  });

  test("names the field at fault in credentials, without their values", async () => {
    const file = join(folder, "credentials.json");
    writeFileSync(file, JSON.stringify({ shop: "acme.myshopify.com", accessToken: 12_345_678 }));
    const refused = await lethe(
      ...["connection", "add", "shopify", "--controller", controller, "--secret", "s", "--credentials", file],
    );
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/accessToken: .*\[connection\/bad-credentials\]/);
    expect(refused.err).not.toContain("12345678");
  });

  test("rotates a secret: both count for a while, and at a running hub at once", async () => {
    const shop = await connect("shopify");
    const rotated = await runLethe(
      ["connection", "rotate-secret", shop.id, "--secret", "-", "--keep-hours", "2"],
      settings,
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
    expect((await lethe("deliveries", "list", "--status", "lost")).code).toBe(2);
    expect((await lethe("deliveries", "list", "--since", "yesterday")).code).toBe(2);
  });
});

describe("lethe subjects, activities, consents and rights", () => {
  test("show one person behind two platforms, by hashes and ids only", async () => {
    const [shop, list] = [await connect("shopify"), await connect("mailchimp")];
    await Promise.all([shop.send("customers-create"), list.send("subscribe")]);
    await Promise.all([settled(shop.id), settled(list.id)]);
    const subjects = SubjectView.array().parse(await json("subjects", "list", "--controller", controller));
    const person = subjects.find(({ identifiers }) =>
      identifiers.some(({ connection }) => connection === list.id),
    );
    expect(person?.did).toMatch(/^did:lethe:[0-9a-f]{64}$/);
    expect(person?.identifiers).toContainEqual({ kind: "platform_id", connection: shop.id });
    expect(await json("subjects", "show", person?.id ?? "")).toEqual(person);

    const address = / "email": "([^"]+)"/.exec(fixture("shopify/customers-create").body)?.[1] ?? "";
    const find = ["subjects", "find", "--controller", controller, "--email"];
    const found = await runLethe([...find, "-", "--json"], settings, `${address.toUpperCase()}\n`);
    expect(found.json<SubjectView[]>().map(({ id }) => id)).toEqual([person?.id]);
    const nobody = await runLethe([...find, "-", "--json"], settings, "nobody@example.com");
    expect(nobody).toMatchObject({ code: 1, out: "[]\n" });
    const exposed = await lethe(...find, address);
    expect(exposed).toMatchObject({ code: 2, err: expect.stringContaining("cli/on-standard-input") });
    expect(exposed.err).not.toContain(address);

    const of = ["--subject", person?.id ?? ""];
    const activities = ActivityView.array().parse(await json("activities", "list", ...of));
    expect(new Set(activities.map(({ subject }) => subject))).toEqual(new Set([person?.id]));
    expect(activities.map(({ activity }) => activity)).toContain("customer.created");
    const consents = ConsentView.array().parse(await json("consents", "list", ...of));
    expect(consents.filter(({ current }) => current).map(({ purpose }) => purpose)).toContain(
      "email_marketing",
    );
  });

  test("hold a compliance webhook as a rights request with its day", async () => {
    const shop = await connect("shopify");
    await shop.send("customers-redact");
    await settled(shop.id);
    const requests = RightsRequestView.array().parse(await json("rights", "list"));
    expect(requests.find(({ connection }) => connection === shop.id)).toMatchObject({
      kind: "erasure",
      status: "received",
    });
  });
});

describe("lethe audit", () => {
  test("verifies every log, or one", async () => {
    const report = await json<{ ok: boolean; controllers: Record<string, unknown>[] }>("audit", "verify");
    expect(report.ok).toBe(true);
    expect(report.controllers.length).toBeGreaterThanOrEqual(2);
    const one = await json<typeof report>("audit", "verify", "--controller", controller);
    expect(one.controllers).toMatchObject([
      { id: controller, events: expect.any(Number), head: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect((await lethe("audit", "verify", "--controller", crypto.randomUUID())).code).toBe(1);
  });

  test("exports what a file alone can verify, and proves an event of it", async () => {
    const file = join(folder, "log.jsonl");
    const { entries } = await json<{ entries: number }>(
      ...["audit", "export", "--controller", controller, "--out", file],
    );
    expect(entries).toBeGreaterThan(10);
    const offline = () =>
      spawnSync(process.execPath, ["src/audit/offline-verifier.mjs", file], { encoding: "utf8" });
    expect(offline()).toMatchObject({ status: 0 });
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/activity\.recorded/, "activity.recordee"));
    expect(offline()).toMatchObject({ status: 1 });

    const [delivery] = await json<DeliveryView[]>(
      ...["deliveries", "list", "--controller", controller, "--status", "processed"],
    );
    expect(delivery).toBeDefined();
    const { note } = await json<{ note: string }>("audit", "checkpoint", "--controller", controller);
    const size = note.split("\n")[1] ?? "";
    const proof = await json<{ hashes: string[] }>(
      ...["audit", "proof", "--since", size, "--controller", controller],
    );
    expect(proof.hashes).toEqual([]); // the newest checkpoint is a prefix of itself
  });

  test("finds what a superuser's hand altered, and exits 1", async () => {
    const other = (await json<{ id: string }>("controller", "add", "Tampered", "--environment", "sandbox"))
      .id;
    const { ok } = await json<{ ok: boolean }>("audit", "verify", "--controller", other);
    expect(ok).toBe(true);
    await expect
      .poll(async () => {
        const [row] = await rooms.superuser(
          (sql) => sql`select count(*)::int as sealed from audit_leaf where controller_id = ${other}`,
        );
        return row?.sealed;
      })
      .toBeGreaterThan(0);
    const rewrite = (from: string, to: string) =>
      rooms.superuser(async (sql) => {
        await sql`alter table audit_event disable trigger append_only`;
        await sql`update audit_event set entry = convert_to(replace(convert_from(entry, 'UTF8'), ${from}, ${to}), 'UTF8') where controller_id = ${other}`;
        await sql`alter table audit_event enable trigger append_only`;
      });
    await rewrite("operator", "operatof");
    const report = await lethe("audit", "verify", "--controller", other, "--json");
    await rewrite("operatof", "operator");
    expect(report.code).toBe(1);
    expect(report.json()).toMatchObject({
      ok: false,
      faults: expect.arrayContaining([expect.objectContaining({ controller: other, seq: 0 })]),
    });
  });
});

describe("lethe doctor, keys, migrate, connector and send", () => {
  test("say how the hub is", async () => {
    const { ok, checks } = await json<{ ok: boolean; checks: { name: string; ok: boolean }[] }>("doctor");
    expect(ok).toBe(true);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "database",
        "migrations",
        "policies",
        "keys",
        "clock",
        "queue",
        "audit",
        "disk",
      ]),
    );
    expect(await json("migrate")).toEqual({ migrated: 0 });
    const platforms = await json<{ id: string; topics: string[] }[]>("connector", "list");
    expect(platforms.map(({ id }) => id)).toEqual(["shopify", "stripe", "mailchimp", "woocommerce"]);
  });

  test("doctor finds a table whose policy was dropped, and exits 1", async () => {
    await rooms.superuser((sql) => sql`alter table subject no force row level security`);
    const found = await lethe("doctor", "--json");
    await rooms.superuser((sql) => sql`alter table subject force row level security`);
    expect(found.code).toBe(1);
    expect(found.json<{ checks: { name: string; ok: boolean; detail: string }[] }>().checks).toContainEqual(
      expect.objectContaining({ name: "policies", ok: false, detail: expect.stringContaining("subject") }),
    );
  });

  test("send posts a signed fixture to the running hub", async () => {
    const shop = await connect("shopify");
    const fixtures = await json<{ name: string }[]>("send", "shopify");
    expect(fixtures.map(({ name }) => name)).toContain("orders-create");
    const sent = await json<{ status: number }>("send", "shopify", "orders-create", "--connection", shop.id);
    expect(sent.status).toBe(200);
    const unknown = await lethe("send", "shopify", "orders-eaten");
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("send/unknown-fixture") });
  });

  test("keys rotate wraps every key under a new master key, and the old one opens nothing any more", async () => {
    const next = Buffer.alloc(32, 9).toString("base64");
    const both = { ...settings, LETHE_MASTER_KEY: `2:${next},1:${rooms.masterKey}` };
    const rotated = await runLethe(["keys", "rotate", "--json"], both);
    expect(rotated.json()).toMatchObject({ version: 2, destroyed: false });
    expect((await lethe("doctor", "--json")).code).toBe(1);
    settings = { ...settings, LETHE_MASTER_KEY: `2:${next}` };
    expect((await lethe("doctor", "--json")).code).toBe(0);
    expect((await json<{ ok: boolean }>("audit", "verify")).ok).toBe(true);
  });
});

describe("every command", () => {
  const commands = [
    ...["start", "migrate", "doctor", "send", "controller add", "controller list", "connection add"],
    ...["connection list", "connection rotate-secret", "connection remove", "connector list"],
    ...["deliveries list", "deliveries show", "deliveries replay", "subjects list", "subjects show"],
    ...["subjects find", "activities list", "consents list", "rights list", "audit verify", "audit export"],
    ...["audit checkpoint", "audit proof", "keys rotate"],
  ];
  test("has help with examples, and no colours away from a terminal", async () => {
    const helps: [string, CommandResult][] = [];
    for (const name of commands) helps.push([name, await lethe(...name.split(" "), "--help")]);
    for (const [name, help] of helps) {
      expect({ name, code: help.code }).toEqual({ name, code: 0 });
      expect(help.out).toContain(`$ lethe ${name}`);
      expect(help.out).toContain("--json");
      expect(help.out).not.toContain("\u001b[");
    }
  });

  test("answers wrong usage with 2, and says what was meant", async () => {
    expect(await lethe("deliverys")).toMatchObject({ code: 2, err: expect.stringContaining("deliveries") });
    expect((await lethe("subjects", "show")).code).toBe(2);
    const error = await lethe("connection", "remove", crypto.randomUUID(), "--json");
    expect(error.code).toBe(1);
    expect(error.json()).toMatchObject({ error: { code: "connection/unknown" } });
  });
});

/** Headers of a body that Shopify would have signed, under an id of its own. */
function signed(body: string): Record<string, string> {
  return {
    "x-shopify-hmac-sha256": createHmac("sha256", SECRET).update(body).digest("base64"),
    "x-shopify-webhook-id": crypto.randomUUID(),
  };
}
