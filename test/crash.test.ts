import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { freshRooms, type HubProcess, startHubProcess, startLoad } from "#test";

/** How often the hub is killed. `LETHE_TEST_KILLS=200 npm test -- test/crash` for the long form. */
const KILLS = Number(process.env.LETHE_TEST_KILLS ?? 5);

/** Seeded, so that a failure can be had again: mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test(`${KILLS} × kill -9 under load lose no acknowledged delivery and double no effect`, {
  timeout: 60_000 + KILLS * 6_000,
}, async () => {
  const rooms = await freshRooms();
  const controllerId = await rooms.controller();
  const { id, secret } = await rooms.connection(controllerId, "shopify");
  const dataDir = mkdtempSync(join(tmpdir(), "lethe-crash-"));
  const start = (): Promise<HubProcess> =>
    startHubProcess({
      DATABASE_URL: rooms.url,
      LETHE_MASTER_KEY: rooms.masterKey,
      LETHE_DATA_DIR: dataDir,
      LOG_LEVEL: "info",
    });
  const chance = random(20_261_121);
  let hub = await start();
  const load = startLoad({ url: () => `${hub.url}/webhooks/shopify/${id}`, secret, senders: 16 });
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(50 + chance() * 900);
    await hub.kill();
    hub = await start();
  }
  await sleep(300);
  await load.stop();

  const counts = async () => {
    const [row] = await rooms.superuser(
      (sql) => sql`
      select count(*)::int as deliveries, count(*) filter (where status = 'processed')::int as processed,
        (select count(*)::int from processing_activity) as activities, (select count(*)::int from subject) as subjects,
        (select count(*)::int from delivery_payload) as payloads, (select count(*)::int from runtime_event where dispatched_at is null) as outbox,
        (select count(*)::int from runtime_queue) as queue from delivery`,
    );
    return row as Record<string, number>;
  };
  // What was leased when the last kill came is taken over once its session is gone.
  await expect
    .poll(
      async () => {
        const { deliveries, processed, payloads, outbox, queue } = await counts();
        return { left: (deliveries ?? 0) - (processed ?? 0), payloads, outbox, queue };
      },
      { timeout: 30_000 + KILLS * 1_000, interval: 200 },
    )
    .toEqual({ left: 0, payloads: 0, outbox: 0, queue: 0 });

  const { deliveries = 0, activities, subjects } = await counts();
  // An acknowledgement may have been lost on its way: the inbox may hold more than was acknowledged, never less.
  expect(load.acknowledged()).toBeGreaterThan(KILLS);
  expect(deliveries).toBeGreaterThanOrEqual(load.acknowledged());
  expect(deliveries).toBeLessThanOrEqual(load.acknowledged() + 16);
  expect(activities).toBe(deliveries);
  expect(subjects).toBe(deliveries);
  const doubled = await rooms.superuser(
    (sql) => sql`
    select e->>'workflow' as delivery, e->>'type' as type, count(*)::int from (select convert_from(entry, 'UTF8')::json as e from audit_event where controller_id = ${controllerId}) x
    where e->>'type' in ('subject.created', 'activity.recorded', 'delivery.processed', 'delivery.shredded') group by 1, 2 having count(*) <> 1`,
  );
  expect(doubled).toEqual([]);
  const [events] = await rooms.superuser(
    (sql) => sql`
    select count(*) filter (where e->>'type' = 'delivery.processed')::int as processed, count(*) filter (where e->>'type' = 'delivery.shredded')::int as shredded
    from (select convert_from(entry, 'UTF8')::json as e from audit_event where controller_id = ${controllerId}) x`,
  );
  expect(events).toEqual({ processed: deliveries, shredded: deliveries });

  expect(await load.sendAgain()).toEqual({ duplicate: load.acknowledged() });

  await hub.stop();
  const { verifyAll } = await import("#audit");
  const owners = await rooms.superuser((sql) => sql`select controller_id as id, did from controller`);
  const did = (wanted: string) => owners.find((row) => row.id === wanted)?.did;
  const hubId = "00000000-0000-0000-0000-000000000000";
  const report = await verifyAll({
    database: rooms.database,
    ring: rooms.ring,
    logs: [{ id: controllerId, did: did(controllerId) }],
    hubDid: did(hubId),
    witnessed: undefined,
  });
  expect(report.faults).toEqual([]);
  expect(report.logs[0]?.pending).toBe(0);
  process.stdout.write(`crash: ${KILLS} kills, ${load.acknowledged()} acknowledged, 0 lost, 0 doubled\n`);
  await rooms.drop();
});
