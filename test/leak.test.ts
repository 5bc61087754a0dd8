import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { loadFixtures } from "#kit";
import {
  childEnvironment,
  type HubProcess,
  type SimulatedPlatforms,
  STRINGS,
  sendFixture,
  simulatePlatforms,
  startHubProcess,
} from "#test";
import { simulateCustomerIo } from "./support/platforms/customerio.ts";
import { simulateKlaviyo } from "./support/platforms/klaviyo.ts";
import { simulateMailchimp } from "./support/platforms/mailchimp.ts";
import { simulateShopify } from "./support/platforms/shopify.ts";
import { inPostgres, searchFor, writtenIn } from "./support/search.ts";

/**
 * Unique strings of every kind through every connector, on success, failure and replay, with logging at its
 * loudest; then a search through every file that the hub and its database wrote, and everything that was printed.
 */
const CANARIES = [
  // Planted in the fixtures' bodies: what each platform knows a person by.
  "bob@example.com",
  "bob.new@example.com",
  "bob+lists@example.com",
  "guest@example.com",
  "gift@example.net",
  "mallory@example.com",
  "nobody@example.com",
  "Biller",
  "O'Connor",
  "K2P 2L8",
  "loves ice cream",
  "Please ring twice",
  "bob.biller",
  "super@supertoys.example",
  "Super Toys",
  "John Doe is currently",
  "203.0.113.7",
  "9ad4d1f4e6a8977b9dd98eed1e477643",
  "8eb1b522f60d11fa897de1dc6351b7e8",
  "Mozilla/5.0",
  "+16135550188",
  "613-555-0188",
  "(613) 555-0188",
  "555-0188",
  "706405506930370084",
  "820982911946154508",
  "cus_QXg1o8vcGmoR32",
  "8a25ff1d98",
  "8a25ff1d99",
  "51da8c3259",
  "evt_1Pgc76B7WZ01zgkW",
  "b54557e4-bdd9-4b37-8a5f",
  "IPod Nano",
  "IPOD2008PINK",
  "Example T-Shirt",
  "Test Campaign Subject",
  "carla@example.com",
  "walk-in@example.com",
  "victor@example.com",
  "Carla Cole",
  "Pat Payroll",
  "151 Example Street",
  "613 555 0146",
  "bo@example.com",
  "ada@example.com",
  "Ada Attendee",
  "613-555-0131",
  "rae@example.com",
  "192.0.2.16",
  "carol@example.com",
  "dave@example.com",
  "A postcard from Ottawa",
  "paula@example.com",
  "p.ng@work.example.com",
  "quinn@example.com",
  "Paula Ng",
  "after five",
  "9007199254740993123",
  // What connections call the platforms' APIs with, and what they are given there.
  "client-secret-of-intuit",
  "refresh-token-of-intuit",
  "private-token-of-eventbrite",
  "access-token-of-surveymonkey",
  "token-that-was-granted",
  "shpat_0123456789abcdef",
  "0123456789abcdef0123456789abcdef-us21",
  "s3cret-app-key",
  "s3cret-track-key",
  // What a browser's signal says, and of whom.
  "signal@example.com",
  STRINGS.all,
];

const search = searchFor(CANARIES);

/** Platforms that are brought in step; one knows the person only by the address, one by nothing. */
const sims = [simulateShopify(), simulateMailchimp(), simulateKlaviyo(), simulateCustomerIo()];

let dataDir: string;
let hub: HubProcess;
let platforms: SimulatedPlatforms;
const connections = new Map<string, { url: string; secret: string }>();
const printed: string[] = [];

const lethe = (...args: string[]) => {
  const run = spawnSync(process.execPath, ["src/main.ts", ...args], {
    env: childEnvironment({ LETHE_DATA_DIR: dataDir, LOG_LEVEL: "debug" }),
    encoding: "utf8",
  });
  printed.push(run.stdout, run.stderr);
  return run;
};

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "lethe-leak-"));
  const given = mkdtempSync(join(tmpdir(), "lethe-given-"));
  platforms = await simulatePlatforms(() => sims);
  for (const { connector, add } of sims) if (connector !== "mailchimp") add({ email: "bob@example.com" });
  hub = await startHubProcess({ ...platforms.environment, LETHE_DATA_DIR: dataDir, LOG_LEVEL: "debug" });
  const controller = JSON.parse(
    lethe("controller", "add", "leak", "--environment", "sandbox", "--json").stdout,
  ).id as string;
  for (const [connector, { configuration }] of connectors) {
    const secret = `secret&of-${connector}`;
    const simulated = sims.find((sim) => sim.connector === connector);
    const credentials =
      simulated === undefined
        ? `fixtures/${connector}/credentials.json`
        : join(given, `${connector}-credentials.json`);
    if (simulated !== undefined) {
      // It takes the samples of any audience, so that its credentials say which one is its own.
      const audience = connector === "mailchimp" ? { listId: simulated.account } : {};
      writeFileSync(credentials, JSON.stringify({ ...(simulated.credentials as object), ...audience }));
    }
    const mapping = join(given, `${connector}.json`);
    if (configuration !== undefined) writeFileSync(mapping, JSON.stringify(configuration.example));
    const { url } = JSON.parse(
      lethe(
        "connection",
        "add",
        connector,
        "--controller",
        controller,
        "--secret",
        secret,
        "--region",
        "CA",
        "--json",
        ...(existsSync(credentials) ? ["--credentials", credentials] : []),
        ...(configuration === undefined ? [] : ["--configuration", mapping]),
      ).stdout,
    );
    connections.set(connector, { url, secret });
  }
}, 30_000);
afterAll(async () => {
  await hub.stop();
  await platforms.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** How many rows are left, without a command for each look. */
const left = (table: "delivery" | "consent_push", status: string) =>
  inPostgres(dataDir, async (sql) => (await sql`select from ${sql(table)} where status = ${status}`).count);
const unsettled = () => left("delivery", "received");

async function everything(): Promise<Map<string, Uint8Array>> {
  const found = await writtenIn(dataDir);
  return found
    .set("what the hub printed", Buffer.from(hub.output()))
    .set("what the commands printed", Buffer.from(printed.join("\n")));
}

describe("nothing personal is found", () => {
  test("in data directory, WAL, logs, answers or runtime tables, for processed, failed, ignored and replayed deliveries", async () => {
    const answers: string[] = [];
    const fixtures = [...connectors.keys()].flatMap((name) => loadFixtures(`fixtures/${name}`));
    platforms.answer(new Map(fixtures.flatMap((fixture) => [...fixture.answers])));
    const send = async (only?: (name: string) => boolean) => {
      for (const connector of connectors.keys()) {
        const { url, secret } = connections.get(connector) ?? { url: "", secret: "" };
        for (const fixture of loadFixtures(`fixtures/${connector}`)) {
          if (only !== undefined && !only(fixture.name)) continue;
          answers.push(await (await sendFixture(url, connector, fixture, secret)).text());
          answers.push(await (await sendFixture(url, connector, fixture, "wrong secret")).text());
        }
      }
    };
    await send();
    await send(); // duplicates
    await expect.poll(unsettled, { timeout: 30_000 }).toBe(0);
    const controller = JSON.parse(lethe("controller", "list", "--json").stdout)[1].id as string;
    for (const body of [{ tcf: STRINGS.all }, { tcf: `x${STRINGS.all}` }, {}])
      answers.push(
        await (
          await fetch(`${hub.url}/signals/${controller}`, {
            method: "POST",
            headers: { "sec-gpc": "1", "content-type": "application/json" },
            body: JSON.stringify({ person: { email: "signal@example.com" }, ...body }),
          })
        ).text(),
      );
    // Some are brought in step, some fail, some are left to a person; nobody's address is kept for longer than that.
    await expect.poll(() => left("consent_push", "open"), { timeout: 30_000 }).toBe(0);
    expect(platforms.asked.length).toBeGreaterThan(20);
    expect(sims.filter(({ requests }) => requests.length > 0).length).toBeGreaterThan(1);
    expect(lethe("deliveries", "replay", "--status", "failed", "--json").status).toBe(0);
    await expect.poll(unsettled, { timeout: 20_000 }).toBe(0);
    for (const command of [
      ["deliveries", "list"],
      ["deliveries", "list", "--status", "failed", "--json"],
      ["subjects", "list", "--json"],
      ["activities", "list", "--json"],
      ["consents", "list", "--json"],
      ["consents", "pushes"],
      ["consents", "drift"],
      ["rights", "list", "--json"],
      ["connection", "list", "--json"],
      ["audit", "verify", "--json"],
      ["doctor", "--json"],
    ])
      lethe(...command);
    const found = spawnSync(
      process.execPath,
      ["src/main.ts", "subjects", "find", "--controller", controller, "--email", "-", "--json"],
      { env: childEnvironment({ LETHE_DATA_DIR: dataDir }), input: "bob@example.com\n", encoding: "utf8" },
    );
    expect(JSON.parse(found.stdout)).toHaveLength(1);
    printed.push(found.stdout, found.stderr, ...answers, await (await fetch(`${hub.url}/metrics`)).text());
    const places = await everything();
    expect([...places.keys()].some((path) => path.includes("pg_wal"))).toBe(true);
    expect(search(places)).toEqual([]);
  }, 90_000);

  test("and a planted one is: the search works in tables, WAL and logs", async () => {
    // More than once: where a page of the WAL ends, a text is in two parts.
    await inPostgres(
      dataDir,
      (sql) => sql`create table public.planted as
        select 'bob@example.com'::text as clear, encode('Please ring twice'::bytea, 'hex') as hex, encode('xbob+lists@example.comx'::bytea, 'base64') as base64
        from generate_series(1, 3)`,
    );
    const hits = search(await everything());
    for (const canary of ["bob@example.com", "Please ring twice", "bob+lists@example.com"]) {
      expect(
        hits.some((hit) => hit.startsWith(canary) && hit.includes("/base/")),
        canary,
      ).toBe(true);
      expect(
        hits.some((hit) => hit.startsWith(canary) && hit.includes("pg_wal")),
        canary,
      ).toBe(true);
    }
  });
});
