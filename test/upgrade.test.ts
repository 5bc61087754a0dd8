import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, expect, test } from "vitest";
import type { RightsRequestView } from "#schemas";
import { startHubProcess } from "#test";
import { callLethe } from "./support/lethe.ts";

const dataDir = mkdtempSync(join(tmpdir(), "lethe-upgrade-"));
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function byHand<T extends object>(statements: string): Promise<T[]> {
  const sql = postgres({
    ...{ path: join(dataDir, "postgres/.s.PGSQL.5432"), user: "postgres", database: "lethe", max: 1 },
    onnotice: () => {},
  });
  return sql.unsafe<T[]>(statements).finally(() => sql.end());
}

/** When the hub was last told of a request. */
const announced = () => byHand<{ at: string }>("select announced_at::text as at from lethe.rights_request");

/** Takes the migrations from 0004 on back, as if the data were an older version's. */
async function asBefore(): Promise<void> {
  await byHand(`
    drop policy deletable_lethe_app on lethe.delivery;
    drop policy deletable_lethe_app on lethe.rights_request;
    drop table lethe.erased_sighting, lethe.tombstone, lethe.legal_hold, lethe.rights_bundle, lethe.rights_challenge,
      lethe.rights_move, lethe.rights_notice, lethe.rights_part, lethe.rights_task;
    alter table lethe.controller drop column regime, drop column time_zone, drop column holidays, drop column dpdp_days;
    alter table lethe.subject drop column restricted_at, drop column restriction, drop column restricted_by;
    drop index lethe.rights_request_delivery, lethe.rights_request_subject, lethe.rights_request_in_progress, lethe.rights_request_due;
    alter table lethe.rights_request drop constraint rights_request_controller_id_id_pk,
      drop column source, drop column regime, drop column contact, drop column verification, drop column denial_reason,
      drop column extension_reason, drop column acknowledged_at, drop column verified_at, drop column closed_at, drop column pauses,
      drop column platform_days, drop column acknowledge_by, drop column clock_round, drop column lifted_at, drop column announced_at;
    update lethe.rights_request set status = 'received', received_at = now() - interval '9 days', due_at = now() + interval '21 days';
    alter table lethe.rights_request alter column details set not null, alter column due_at set not null,
      add constraint rights_request_controller_id_delivery_id_ordinal_pk primary key (controller_id, delivery_id, ordinal);
    create unique index rights_request_id on lethe.rights_request (controller_id, id);
    create index rights_request_due on lethe.rights_request (controller_id, due_at) where status = 'received';
    drop table lethe.processing_stop;
    drop index lethe.runtime_event_waiting, lethe.delivery_event_delivery;
    delete from lethe_migrations.applied where id > (select max(id) - 3 from lethe_migrations.applied)`);
}

test("a hub that is upgraded migrates what it has, goes on with it, and plays no sandbox again", async () => {
  const settings = { LETHE_DATA_DIR: dataDir };
  const list = async (what: "deliveries" | "consents") =>
    (await callLethe([what, "list", "--json"], settings)).json<{ id: string; state: string }[]>();
  const kept = async () => (await list("consents")).map(({ id, state }) => `${id} ${state}`).sort();
  const deliveries = async () => (await list("deliveries")).map(({ id }) => id);
  const first = await startHubProcess(settings);
  await expect.poll(first.output, { timeout: 15_000 }).toContain("Try next");
  expect((await callLethe(["send", "shopify", "customers-redact"], settings)).code).toBe(0);
  const requests = async () =>
    (await callLethe(["rights", "list", "--json"], settings)).json<RightsRequestView[]>();
  await expect.poll(async () => (await requests()).map(({ status }) => status)).toEqual(["fulfilling"]);
  const [before, consents] = [await deliveries(), await kept()];
  expect(consents.length).toBeGreaterThan(0);
  await asBefore();
  await first.kill();

  const upgraded = await startHubProcess(settings);
  expect(upgraded.output()).toContain('"migrated":3');
  await expect.poll(upgraded.output, { timeout: 15_000 }).toContain("Lethe is ready at");
  expect(upgraded.output()).not.toContain("Try next");
  expect(await deliveries()).toEqual(before);
  expect(await kept()).toEqual(consents);
  // What a platform asked for in the older version may have been done by hand: it is not begun with by itself.
  const [request] = await requests();
  expect(request).toMatchObject({ source: "platform", status: "received" });
  expect(await announced()).toEqual([{ at: "infinity" }]);
  expect((await callLethe(["rights", "list"], settings)).out).toContain("start or cancel");
  const id = request?.id ?? "";
  expect((await callLethe(["rights", "show", id], settings)).out).toContain(`lethe rights approve ${id}`);
  expect(await callLethe(["rights", "approve", id], settings)).toMatchObject({ code: 0, err: "" });
  await expect
    .poll(async () => (await requests())[0], { timeout: 5_000 })
    .toMatchObject({ status: "fulfilling", verification: "platform" });
  expect((await callLethe(["doctor"], settings)).code).toBe(0);
  expect((await callLethe(["send", "klaviyo", "subscribed-email"], settings)).out).toContain("duplicate");
  expect(await upgraded.stop()).toBe(0);
});
