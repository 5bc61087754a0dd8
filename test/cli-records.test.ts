import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { runCommand } from "#cli";
import { connectors } from "#connectors";
import { ActivityView, ConsentView, type DeliveryView, HUB, RightsRequestView, SubjectView } from "#schemas";
import { fixture, runLethe } from "#test";

import { at, connect, json, lethe, settled, useHub } from "./support/commands.ts";

useHub({ here: true });

describe("lethe subjects, activities, consents and rights", () => {
  test("show one person behind two platforms, by hashes and ids only", async () => {
    const [shop, list] = [await connect("shopify"), await connect("mailchimp")];
    await Promise.all([shop.send("customers-create"), list.send("subscribe")]);
    await Promise.all([settled(shop.id), settled(list.id)]);
    const subjects = SubjectView.array().parse(await json("subjects", "list", "--controller", at.controller));
    const person = subjects.find(({ identifiers }) =>
      identifiers.some(({ connection }) => connection === list.id),
    );
    expect(person?.did).toMatch(/^did:lethe:[0-9a-f]{64}$/);
    expect(person?.identifiers).toContainEqual({ kind: "platform_id", connection: shop.id });
    expect(await json("subjects", "show", person?.id ?? "")).toEqual(person);

    const address = / "email": "([^"]+)"/.exec(fixture("shopify/customers-create").body)?.[1] ?? "";
    const find = ["subjects", "find", "--controller", at.controller, "--email"];
    const found = await runLethe([...find, "-", "--json"], at.settings, `${address.toUpperCase()}\n`);
    expect(found.json<SubjectView[]>().map(({ id }) => id)).toEqual([person?.id]);
    const nobody = await runLethe([...find, "-", "--json"], at.settings, "nobody@example.com");
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

  test("let somebody in again by an address on standard input, if they were erased or it is said to be new", async () => {
    const readmit = ["subjects", "readmit", "--controller", at.controller, "--email", "-", "--json"];
    const said = async (...more: string[]) =>
      runLethe([...readmit, ...more], at.settings, "back@example.com\n");
    expect(await said()).toMatchObject({ code: 1, out: expect.stringContaining("false") });
    expect(await said("--new-address")).toMatchObject({ code: 0, out: expect.stringContaining("true") });
    const find = ["subjects", "find", "--controller", at.controller, "--email", "-", "--json"];
    const found = await runLethe(find, at.settings, "back@example.com");
    expect(found.json<SubjectView[]>()).toHaveLength(1);
  });

  test("hold a compliance webhook as a rights request with its day", async () => {
    const shop = await connect("shopify");
    await shop.send("customers-redact");
    await settled(shop.id);
    const requests = async () => RightsRequestView.array().parse(await json("rights", "list"));
    // The shop has no credentials: its part is left to somebody.
    await expect
      .poll(async () => (await requests()).find(({ connection }) => connection === shop.id))
      .toMatchObject({
        ...{ kind: "erasure", source: "platform", verification: "platform", status: "fulfilling" },
        dueAt: expect.stringMatching(/T23:59:59.999Z$/),
      });
  });
});

describe("lethe audit", () => {
  test("verifies every log, or one", async () => {
    await json("controller", "add", "Beispiel AG", "--environment", "live");
    const report = await json<{ ok: boolean; controllers: Record<string, unknown>[] }>("audit", "verify");
    expect(report.ok).toBe(true);
    expect(report.controllers).toHaveLength(2);
    const one = await json<typeof report>("audit", "verify", "--controller", at.controller);
    expect(one.controllers).toMatchObject([
      { id: at.controller, events: expect.any(Number), head: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect((await lethe("audit", "verify", "--controller", crypto.randomUUID())).code).toBe(1);
  });

  test("exports what a file alone can verify, and proves an event of it", async () => {
    const shop = await connect("shopify");
    await Promise.all([shop.send("customers-create"), shop.send("orders-create")]);
    await settled(shop.id);
    const file = join(at.folder, "log.jsonl");
    const { entries } = await json<{ entries: number }>(
      ...["audit", "export", "--controller", at.controller, "--out", file],
    );
    expect(entries).toBeGreaterThan(10);
    const offline = () =>
      spawnSync(process.execPath, ["src/audit/offline-verifier.mjs", file], { encoding: "utf8" });
    expect(offline()).toMatchObject({ status: 0 });
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/activity\.recorded/, "activity.recordee"));
    expect(offline()).toMatchObject({ status: 1 });

    const [delivery] = await json<DeliveryView[]>(
      ...["deliveries", "list", "--controller", at.controller, "--status", "processed"],
    );
    expect(delivery).toBeDefined();
    // The newest checkpoint is a prefix of itself, unless there is a newer one by then.
    const proof = async () => {
      const { note } = await json<{ note: string }>("audit", "checkpoint", "--controller", at.controller);
      const size = note.split("\n")[1] ?? "";
      return json<{ hashes: string[] }>(
        ...["audit", "proof", "--since", size, "--controller", at.controller],
      );
    };
    await expect.poll(async () => (await proof()).hashes).toEqual([]);
  });

  test("finds what a superuser's hand altered, and exits 1", async () => {
    const other = (await json<{ id: string }>("controller", "add", "Tampered", "--environment", "sandbox"))
      .id;
    const { ok } = await json<{ ok: boolean }>("audit", "verify", "--controller", other);
    expect(ok).toBe(true);
    await expect
      .poll(async () => {
        const [row] = await at.rooms.superuser(
          (sql) => sql`select count(*)::int as sealed from audit_leaf where controller_id = ${other}`,
        );
        return row?.sealed;
      })
      .toBeGreaterThan(0);
    const rewrite = (from: string, to: string) =>
      at.rooms.superuser(async (sql) => {
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

describe("lethe audit verify", () => {
  test("finds an entry of the hub's log that is no JSON any more, and exits 1", async () => {
    const flip = (byte: number) =>
      at.rooms.superuser(async (sql) => {
        await sql`alter table audit_event disable trigger append_only`;
        await sql`update audit_event set entry = set_byte(entry, 0, ${byte}) where controller_id = ${HUB}
          and id = (select min(id) from audit_event where controller_id = ${HUB})`;
        await sql`alter table audit_event enable trigger append_only`;
      });
    await json("controller", "add", "Gamma GmbH", "--environment", "sandbox");
    await expect.poll(async () => (await lethe("audit", "checkpoint")).code, { timeout: 10_000 }).toBe(0);
    await flip(0);
    const report = await lethe("audit", "verify", "--json");
    await flip("{".charCodeAt(0));
    expect(report.code).toBe(1);
    expect(report.json()).toMatchObject({
      ok: false,
      faults: expect.arrayContaining([
        expect.objectContaining({ controller: HUB, code: "audit/entry-altered" }),
      ]),
    });
  });

  test("says whether it had a checkpoint from outside the database to compare with", async () => {
    await expect.poll(() => existsSync(join(at.folder, "audit/hub-checkpoint.txt"))).toBe(true);
    expect(await json("audit", "verify")).toMatchObject({ ok: true, witness: "compared" });
    expect((await lethe("audit", "verify")).out).not.toContain("Not compared");

    const elsewhere = { ...at.settings, LETHE_DATA_DIR: join(at.folder, "elsewhere") };
    const absent = await runLethe(["audit", "verify", "--json"], elsewhere);
    expect(absent).toMatchObject({ code: 0 });
    expect(absent.json()).toMatchObject({ ok: true, witness: "absent" });
    const text = await runLethe(["audit", "verify"], elsewhere);
    expect(text.out).toContain(
      `Not compared with a checkpoint from outside the database: ${elsewhere.LETHE_DATA_DIR}`,
    );
  });

  test("fails if that checkpoint is there and cannot be read", async () => {
    const broken = join(at.folder, "broken");
    mkdirSync(join(broken, "audit/hub-checkpoint.txt"), { recursive: true });
    const failed = await runLethe(["audit", "verify"], { ...at.settings, LETHE_DATA_DIR: broken });
    expect(failed).toMatchObject({ code: 1, out: "", err: expect.stringContaining("system/EISDIR") });
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
    expect(platforms.map(({ id }) => id)).toEqual([...connectors.keys()]);
  });

  test("doctor finds a table whose policy was dropped, and exits 1", async () => {
    await at.rooms.superuser((sql) => sql`alter table subject no force row level security`);
    const found = await lethe("doctor", "--json");
    await at.rooms.superuser((sql) => sql`alter table subject force row level security`);
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
    const both = { ...at.settings, LETHE_MASTER_KEY: `2:${next},1:${at.rooms.masterKey}` };
    const rotated = await runLethe(["keys", "rotate", "--json"], both);
    expect(rotated.json()).toMatchObject({ version: 2, destroyed: false });
    expect((await lethe("doctor", "--json")).code).toBe(1);
    at.settings = { ...at.settings, LETHE_MASTER_KEY: `2:${next}` };
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
    ...["audit checkpoint", "audit proof", "keys rotate", "keys epochs"],
  ];
  test("has help with examples, and no colours away from a terminal", async () => {
    expect((await lethe("deliveries", "list", "--help")).code).toBe(0);
    // The others in this process: fifty starts take a while, and help opens nothing.
    let shown = "";
    const terminal = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      shown += text;
      return true;
    });
    onTestFinished(() => terminal.mockRestore());
    for (const name of commands) {
      shown = "";
      await runCommand([...name.split(" "), "--help"]);
      expect(shown).toContain(`$ lethe ${name}`);
      expect(shown).toContain("--json");
      expect(shown).not.toContain("\u001b[");
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
