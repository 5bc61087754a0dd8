import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, expect, test } from "vitest";
import { runLethe, startHubProcess } from "#test";

const dataDir = mkdtempSync(join(tmpdir(), "lethe-upgrade-"));
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** Takes the newest migration back, as if the data were an older version's. */
async function asBefore(): Promise<void> {
  const sql = postgres({
    ...{ path: join(dataDir, "postgres/.s.PGSQL.5432"), user: "postgres", database: "lethe", max: 1 },
    onnotice: () => {},
  });
  await sql.unsafe(`drop table lethe.delivery_event; alter table lethe.connection drop column configuration;
    delete from lethe_migrations.applied where id = (select max(id) from lethe_migrations.applied)`);
  await sql.end();
}

test("a hub that is upgraded migrates what it has, goes on with it, and plays no sandbox again", async () => {
  const settings = { LETHE_DATA_DIR: dataDir };
  const deliveries = async () =>
    (await runLethe(["deliveries", "list", "--json"], settings)).json<{ id: string }[]>().map(({ id }) => id);
  const first = await startHubProcess(settings);
  await expect.poll(first.output, { timeout: 15_000 }).toContain("Try next");
  const before = await deliveries();
  await asBefore();
  await first.kill();

  const upgraded = await startHubProcess(settings);
  expect(upgraded.output()).toContain('"migrated":1');
  await expect.poll(upgraded.output, { timeout: 15_000 }).toContain("Lethe is ready at");
  expect(upgraded.output()).not.toContain("Try next");
  expect(await deliveries()).toEqual(before);
  // The older version knew no configurations, so one connection has lost its own: that is said, and the rest goes on.
  const doctor = await runLethe(["doctor", "--json"], settings);
  const { checks } = doctor.json<{ checks: { name: string; ok: boolean; detail: string }[] }>();
  expect(checks.filter(({ ok }) => !ok)).toMatchObject([
    {
      name: "configurations",
      detail: expect.stringMatching(/^connection \S+: the configuration is refused/),
    },
  ]);
  expect((await runLethe(["send", "generic", "contacts"], settings)).err).toContain("bad-configuration");
  expect((await runLethe(["send", "klaviyo", "subscribed-email"], settings)).out).toContain("duplicate");
  expect(await upgraded.stop()).toBe(0);
});
