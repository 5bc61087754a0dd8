import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { readConfig, Settings } from "#config";
import { attachEmbedded, serverOf, withSession } from "#database";
import { runLethe, startHubProcess } from "#test";

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string().optional(),
      environment: z.record(z.string(), z.string()).default({}),
      ports: z.array(z.string()).default([]),
      cap_drop: z.array(z.string()),
      security_opt: z.array(z.string()),
    }),
  ),
  configs: z.object({ roles: z.object({ content: z.string() }) }),
});

const text = readFileSync("docker-compose.yml", "utf8");
const { services, configs } = Compose.parse(parse(text, { merge: true }));
const required = [...text.matchAll(/\$\{(\w+):\?([^}]*)\}/g)];
const secrets = new Map(
  required.map(([, name = ""]) => [
    name,
    randomBytes(32).toString(name === "LETHE_MASTER_KEY" ? "base64" : "hex"),
  ]),
);

/** As Compose does it. */
const interpolate = (value: string) =>
  value.replace(/\$\{(\w+)(?::[?-][^}]*)?\}/g, (_, name: string) => secrets.get(name) ?? "");
const settingsOf = (service: string) =>
  Object.fromEntries(
    Object.entries(services[service]?.environment ?? {}).map(([name, value]) => [name, interpolate(value)]),
  );

describe("docker-compose.yml", () => {
  test.each(["hub", "migrate"])("gives the service %s settings that there are, and valid ones", (service) => {
    const settings = settingsOf(service);
    expect(Object.keys(Settings.shape)).toEqual(expect.arrayContaining(Object.keys(settings)));
    expect(readConfig(settings).runtime.kind).toBe(service === "hub" ? "inngest" : "embedded");
  });

  test("says of each secret how to make it", () => {
    expect(required.length).toBeGreaterThan(0);
    for (const [variable, , message] of required)
      expect(message, variable).toMatch(/openssl rand -(hex|base64) 32/);
  });

  test("confines every service, publishes ports to its own machine only, and pins images", () => {
    for (const [name, { cap_drop, security_opt, ports, image }] of Object.entries(services)) {
      expect({ name, cap_drop, security_opt }).toEqual({
        name,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
      if (image !== undefined) expect(image).toMatch(/:v?\d+\.\d+/);
    }
  });
});

test("the image has the Node.js that the tests run on", () => {
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const bases = [...readFileSync("Dockerfile", "utf8").matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(new Set(bases)).toEqual(new Set([`node:${dependencies.node}-slim`]));
});

test("the image starts the hub as `npm start` does", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const [, command = ""] = /^CMD (.+)$/m.exec(readFileSync("Dockerfile", "utf8")) ?? [];
  expect(["exec", ...JSON.parse(command)].join(" ")).toBe(scripts.start);
  expect(JSON.parse(command).join(" ").split(" ")).toEqual(JSON.parse(command)); // each of them a word
});

describe("the roles of docker-compose.yml, on a server of their own,", () => {
  const folder = mkdtempSync(join(tmpdir(), "lethe-roles-"));
  const settings = (service: string) => ({
    DATABASE_URL: overSocket(settingsOf(service).DATABASE_URL ?? ""),
    LETHE_MASTER_KEY: secrets.get("LETHE_MASTER_KEY") ?? "",
    LETHE_DATA_DIR: join(folder, "hub"),
  });
  let release = async () => {};

  /** As the image of PostgreSQL does it: a database, then the script as the superuser; passwords for all others. */
  beforeAll(async () => {
    chmodSync(folder, 0o711);
    const server = await attachEmbedded(folder);
    release = server.release;
    writeFileSync(
      join(folder, "postgres/pg_hba.conf"),
      "local all postgres peer map=hub\nlocal all all scram-sha-256\n",
    );
    await withSession(server.connect("postgres", "postgres"), async (sql) => {
      await sql`select pg_reload_conf()`;
      await sql`create database lethe`;
    });
    await withSession(server.connect("postgres", "lethe"), async (sql) => {
      for (const statement of interpolate(configs.roles.content).split(/;\n/)) await sql.unsafe(statement);
    });
  });
  afterAll(async () => {
    await release();
    rmSync(folder, { recursive: true, force: true });
  });

  test("let the owner migrate, and the hub run but change nothing of the schema", async () => {
    const tooEarly = await runLethe(["doctor", "--json"], settings("hub"));
    expect(tooEarly.json()).toMatchObject({ error: { code: "database/cannot-migrate" } });

    const migration = await runLethe(["migrate", "--json"], settings("migrate"));
    expect(migration).toMatchObject({ code: 0 });
    expect(migration.json<{ migrated: number }>().migrated).toBeGreaterThan(0);

    const hub = await startHubProcess(settings("hub"));
    try {
      expect((await fetch(`${hub.url}/readyz`)).status).toBe(200);
      const doctor = await runLethe(["doctor", "--json"], settings("hub"));
      // Each check with what it says, so that a failure tells which.
      expect(doctor.json<{ checks: { ok: boolean }[] }>().checks.filter(({ ok }) => !ok)).toEqual([]);
    } finally {
      expect(await hub.stop()).toBe(0);
    }

    const asHub = (statement: string) =>
      withSession(serverOf(settings("hub").DATABASE_URL), (sql) => sql.unsafe(statement));
    for (const statement of [
      "set role lethe_owner",
      "set role postgres",
      "create schema mine",
      "alter table lethe.subject no force row level security",
      "select * from lethe.subject",
      "delete from lethe_migrations.applied",
    ])
      await expect(asHub(statement), statement).rejects.toThrow(/permission denied|must be owner/);
  });

  test("keep the hub and the Inngest server out of each other's database", async () => {
    const uri = services.inngest?.environment.INNGEST_POSTGRES_URI ?? "";
    const open = (url: string) => withSession(serverOf(url), (sql) => sql`select 1 as one`);
    expect(await open(overSocket(interpolate(uri)))).toEqual([{ one: 1 }]);
    await expect(open(overSocket(interpolate(uri), "lethe"))).rejects.toThrow(/permission denied/);
    await expect(open(overSocket(settingsOf("hub").DATABASE_URL ?? "", "inngest"))).rejects.toThrow(
      /permission denied/,
    );
  });

  /** The same login and database, on the server in the folder. */
  function overSocket(url: string, database?: string): string {
    const { username, password, pathname } = new URL(url);
    return `postgres:///${database ?? pathname.slice(1)}?host=${folder}/postgres&user=${username}&password=${password}`;
  }
});
