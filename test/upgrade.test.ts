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
  await sql.unsafe(`
    drop table lethe.consent_push, lethe.consent_contact, lethe.consent_purpose, lethe.consent_due;
    alter table lethe.controller drop column browser_secret_version;
    alter table lethe.connection drop column purposes;
    alter table lethe.consent_record drop column source, drop column jurisdiction, drop column evidence, drop column reported_at,
      alter column connection_id set not null;
    alter table lethe.consent_record rename column workflow_id to delivery_id;
    alter table lethe.consent_record rename constraint consent_record_controller_id_workflow_id_ordinal_pk to consent_record_controller_id_delivery_id_ordinal_pk;
    delete from lethe_migrations.applied where id = (select max(id) from lethe_migrations.applied)`);
  await sql.end();
}

test("a hub that is upgraded migrates what it has, goes on with it, and plays no sandbox again", async () => {
  const settings = { LETHE_DATA_DIR: dataDir };
  const list = async (what: "deliveries" | "consents") =>
    (await runLethe([what, "list", "--json"], settings)).json<{ id: string; state: string }[]>();
  const kept = async () => (await list("consents")).map(({ id, state }) => `${id} ${state}`).sort();
  const deliveries = async () => (await list("deliveries")).map(({ id }) => id);
  const first = await startHubProcess(settings);
  await expect.poll(first.output, { timeout: 15_000 }).toContain("Try next");
  const [before, consents] = [await deliveries(), await kept()];
  expect(consents.length).toBeGreaterThan(0);
  await asBefore();
  await first.kill();

  const upgraded = await startHubProcess(settings);
  expect(upgraded.output()).toContain('"migrated":1');
  await expect.poll(upgraded.output, { timeout: 15_000 }).toContain("Lethe is ready at");
  expect(upgraded.output()).not.toContain("Try next");
  expect(await deliveries()).toEqual(before);
  expect(await kept()).toEqual(consents);
  expect((await runLethe(["doctor"], settings)).code).toBe(0);
  expect((await runLethe(["send", "klaviyo", "subscribed-email"], settings)).out).toContain("duplicate");
  expect(await upgraded.stop()).toBe(0);
});
