import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { HUB } from "#schemas";
import { fixture, sendFixture, startHubProcess } from "#test";
import { at, connect, json, lethe, SECRET, settled, useHub } from "./support/commands.ts";

useHub({ here: true });

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly advice?: string;
}

/** What the doctor says of one thing, and that its exit code fits. */
async function doctor(name: string): Promise<Check | undefined> {
  const { code, ...said } = await lethe("doctor", "--json");
  const { ok, checks } = said.json<{ ok: boolean; checks: Check[] }>();
  expect(code).toBe(ok ? 0 : 1);
  return checks.find((check) => check.name === name);
}

/** What the log of a controller, or the hub, says of one kind, oldest first. */
const logged = (type: string, controller: string = HUB) =>
  at.rooms.sql<{ chain: string; facts: Record<string, unknown> }[]>`
    select workflow_id as chain, e -> 'facts' as facts from (
      select workflow_id, id, convert_from(entry, 'UTF8')::json as e from audit_event where controller_id = ${controller}) x
    where e ->> 'type' = ${type} order by id`;

const gauge = async (name: string) =>
  new RegExp(`^${name} (\\S+)$`, "m").exec(await (await fetch(`${at.hub.url}/metrics`)).text())?.[1];

/** Makes a cron function due, and waits until its run is over. */
async function nightly(name: string): Promise<void> {
  await at.rooms.sql`update runtime_cron set next_at = now() where function_id = ${`lethe-${name}`}`;
  await expect.poll(() => due(name), { timeout: 8_000 }).toEqual({ cron: 0, running: 0 });
}
async function due(name: string) {
  const [row] = await at.rooms.sql<{ cron: number; running: number }[]>`
    select (select count(*)::int from runtime_cron where function_id = ${`lethe-${name}`} and next_at <= now()) as cron,
      (select count(*)::int from runtime_run where function_id = ${`lethe-${name}`} and status = 'running') as running`;
  return row;
}

test("the kill switch stops processing and no intake, outlives a kill -9, and lets everything go on exactly once", {
  timeout: 40_000,
}, async () => {
  const shop = await connect("shopify");
  const send = async (id: string) => {
    const change = { headers: { "x-shopify-webhook-id": id } };
    const url = `${at.hub.url}/webhooks/shopify/${shop.id}`;
    return (await sendFixture(url, "shopify", fixture("shopify/customers-create"), SECRET, change)).status;
  };
  expect(await send("before")).toBe(200);
  await settled(shop.id);
  expect(await lethe("processing", "stop")).toMatchObject({
    code: 2,
    err: expect.stringContaining("--reason"),
  });
  expect(await json("processing", "stop", "--reason", "incident")).toMatchObject({
    processing: "stopped",
    reason: "incident",
    changed: true,
  });
  expect(await json("processing", "stop", "--reason", "other")).toMatchObject({
    reason: "incident", // as it was
    changed: false,
  });

  const counts = async () => {
    const [row] = await at.rooms
      .sql`select count(*)::int as acknowledged, count(*) filter (where status = 'processed')::int as processed,
      (select count(*)::int from runtime_run where function_id = 'lethe-recover-deliveries') as crons
      from delivery where connection_id = ${shop.id}`;
    return row;
  };
  const { crons } = (await counts()) as { crons: number };
  await at.rooms.sql`update runtime_cron set next_at = now() where function_id = 'lethe-recover-deliveries'`;
  expect(await Promise.all(["one", "two", "three"].map(send))).toEqual([200, 200, 200]);
  await sleep(1_500); // three looks at the queue
  expect(await counts()).toEqual({ acknowledged: 4, processed: 1, crons });
  // They wait where they are, and are not taken up to be put back.
  expect(await json("processing", "status")).toMatchObject({ waiting: 3, underWay: 0 });
  const ready = await fetch(`${at.hub.url}/readyz`);
  expect({ status: ready.status, body: await ready.json() }).toEqual({
    status: 200,
    body: { status: "ready", database: true, runtime: true, processing: "stopped" },
  });
  await expect.poll(() => gauge("lethe_processing_stopped")).toBe("1"); // what was asked a moment ago is kept
  expect(await doctor("processing")).toMatchObject({
    ok: false,
    detail: expect.stringContaining("STOPPED"),
    advice: expect.stringContaining("lethe processing resume"),
  });

  await at.hub.kill();
  at.hub = await startHubProcess(at.settings);
  expect(await send("after a kill")).toBe(200);
  await sleep(800);
  expect(at.hub.output()).toContain("PROCESSING IS STOPPED");
  expect(await counts()).toEqual({ acknowledged: 5, processed: 1, crons });

  expect(await json("processing", "resume")).toMatchObject({ processing: "running", changed: true });
  await settled(shop.id);
  await expect.poll(counts, { timeout: 5_000 }).toEqual({ acknowledged: 5, processed: 5, crons: crons + 1 });
  const effects = await at.rooms.sql`select count(*)::int as effects from processing_activity
    where delivery_id in (select id from delivery where connection_id = ${shop.id}) group by delivery_id`;
  expect(effects.map(({ effects }) => effects)).toEqual([1, 1, 1, 1, 1]);
  const [stopped, resumed] = [await logged("processing.stopped"), await logged("processing.resumed")];
  expect(stopped).toMatchObject([{ facts: { reason: "incident" } }]);
  expect(resumed.map(({ chain }) => chain)).toEqual([stopped[0]?.chain]);
  expect(await doctor("processing")).toMatchObject({ ok: true });
  expect(await json("processing", "resume")).toMatchObject({ processing: "running", changed: false });
});

describe("the nightly look", () => {
  test("is missed by the doctor where a hub was up for two days without it", async () => {
    expect(await doctor("integrity")).toMatchObject({
      ok: true,
      detail: expect.stringContaining("not checked yet"),
    });
    const age = (days: string) =>
      at.rooms
        .sql`update controller set created_at = now() - ${days}::interval where controller_id in (${HUB}, ${at.controller})`;
    await age("3 days");
    expect(await doctor("integrity")).toMatchObject({
      ok: false,
      advice: expect.stringContaining("hub was up"),
    });
    expect(await doctor("retention")).toMatchObject({ ok: false });
    await age("1 day");
    expect(await doctor("retention")).toMatchObject({ ok: true });
  });

  test("sweeps, and says so on every controller's log, also when there was nothing to do", async () => {
    await nightly("sweep-retention");
    await nightly("sweep-retention");
    const swept = await logged("retention.swept", at.controller);
    const nothing = { payloads: 0, files: 0, identified: 0, requests: 0, deliveries: 0 };
    expect(swept.map(({ facts }) => facts)).toEqual([nothing, nothing]);
    expect(await doctor("retention")).toMatchObject({ ok: true, detail: "swept 0 minutes ago" });
  });

  test("checks every log against what was signed, and finds a row that was changed by hand", async () => {
    await nightly("check-integrity");
    expect((await logged("integrity.checked")).map(({ facts }) => facts)).toEqual([
      expect.objectContaining({ logs: 2, faults: 0, witness: "compared", policies: "asked" }),
    ]);
    await expect.poll(() => gauge("lethe_integrity_faults")).toBe("0");
    expect(Number(await gauge("lethe_integrity_checked_timestamp_seconds"))).toBeGreaterThan(1_700_000_000);
    expect(await doctor("integrity")).toMatchObject({
      ok: true,
      detail: expect.stringContaining("no fault"),
    });

    const change = (from: string, to: string) =>
      at.rooms.superuser(async (sql) => {
        await sql`alter table lethe.audit_event disable trigger append_only`;
        await sql`update lethe.audit_event set entry = convert_to(replace(convert_from(entry, 'UTF8'), ${from}, ${to}), 'UTF8')
          where controller_id = ${at.controller} and id = (select min(event_id) from lethe.audit_leaf where controller_id = ${at.controller})`;
        await sql`alter table lethe.audit_event enable always trigger append_only`;
      });
    await change("operator", "somebody");
    await at.rooms.superuser((sql) => sql`alter table lethe.subject no force row level security`);
    await nightly("check-integrity");
    const [, found] = await logged("integrity.checked");
    expect(found?.facts).toMatchObject({ "audit/entry-altered": 1, "database/policy": 1 });
    expect(at.hub.output()).toMatch(/"level":"error".*"code":"audit\/entry-altered"/);
    await expect.poll(async () => Number(await gauge("lethe_integrity_faults"))).toBeGreaterThan(1);
    expect(await doctor("integrity")).toMatchObject({
      ok: false,
      detail: expect.stringContaining("1 × audit/entry-altered"),
      advice: expect.stringContaining("lethe audit verify"),
    });

    await change("somebody", "operator");
    await at.rooms.superuser((sql) => sql`alter table lethe.subject force row level security`);
    await nightly("check-integrity");
    expect(await doctor("integrity")).toMatchObject({ ok: true });
  });
});

test("the doctor sees migrations of another text, calls that nobody takes, and logs that do not end as signed", async () => {
  await at.hub.stop();
  const hash = (from: string, to: string) =>
    at.rooms.superuser(
      (sql) => sql`update lethe_migrations.applied set hash = replace(hash, ${from}, ${to}) where id = 2`,
    );
  const frontier = (by: number) =>
    at.rooms
      .sql`update audit_log set frontier = set_byte(frontier, 0, (get_byte(frontier, 0) + ${by}::int + 256) % 256)
      where controller_id = ${at.controller}`;
  const [row] = await at.rooms.superuser(
    (sql) => sql`select hash from lethe_migrations.applied where id = 2`,
  );
  await hash(row?.hash, "another");
  await frontier(1);
  await at.rooms.sql`insert into runtime_queue (controller_id, id, run_id, function_id, kind, step_id, run_at)
    values (${HUB}, gen_random_uuid(), gen_random_uuid(), 'lethe-gone', 'call', 'step', now() - interval '6 minutes')`;
  const { code, ...said } = await lethe("doctor", "--json");
  expect(code).toBe(1);
  const { checks } = said.json<{ checks: Check[] }>();
  expect(
    Object.fromEntries(checks.filter(({ ok }) => !ok).map(({ name, detail }) => [name, detail])),
  ).toEqual({
    migrations: expect.stringMatching(/number 1\b/),
    queue: expect.stringContaining("1 call is due"),
    log: expect.stringContaining("audit/state-altered"),
  });
  expect(checks.filter(({ ok, advice }) => ok !== (advice === undefined))).toEqual([]);
  await hash("another", row?.hash);
  await frontier(-1);
  await at.rooms.sql`delete from runtime_queue`;

  // A database that was rolled back behind the checkpoint outside, and a checkpoint outside that was rewritten.
  const file = join(at.folder, "audit/hub-checkpoint.txt");
  const note = readFileSync(file, "utf8");
  const size = (by: number) =>
    at.rooms.sql`update audit_log set size = size + ${by}::int where controller_id = ${HUB}`;
  await size(-1);
  expect(await doctor("log")).toMatchObject({
    ok: false,
    detail: expect.stringContaining("audit/log-truncated"),
  });
  await size(1);
  writeFileSync(file, note.replace(/\n\d+\n/, "\n1\n"));
  expect(await doctor("log")).toMatchObject({
    ok: false,
    detail: expect.stringContaining("audit/checkpoint-forged"),
  });
  writeFileSync(file, note);
  const well = await lethe("doctor");
  expect(well).toMatchObject({ code: 0, out: expect.stringContaining("the checkpoint outside agrees") });
});
