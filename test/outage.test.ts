import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectors } from "#connectors";
import { createConnection, createController } from "#controllers";
import { openDatabase } from "#database";
import { startHubProcess, startLoad } from "#test";
import { createKeyRing, masterKeyFromEnvironment } from "#vault";
import { openCluster } from "../src/database/embedded/cluster.ts";

test("with the database stopped under load, clients see 503; when it is back, nothing acknowledged is lost", {
  timeout: 90_000,
}, async () => {
  // A server of its own, which nobody brings back but the test.
  const folder = mkdtempSync(join(tmpdir(), "lethe-outage-"));
  chmodSync(folder, 0o711);
  const cluster = openCluster(folder);
  await (await openDatabase({ dataDir: folder })).close();
  cluster.spawn();
  const url = `postgres:///lethe?host=${cluster.folder}&user=postgres`;
  const masterKey = randomBytes(32).toString("base64");
  const hub = await startHubProcess({
    DATABASE_URL: url,
    LETHE_MASTER_KEY: masterKey,
    LETHE_DATA_DIR: join(folder, "hub"),
  });
  const { database, close } = await openDatabase({ url, dataDir: folder });
  const ring = createKeyRing(database, masterKeyFromEnvironment(masterKey));
  const { id: controllerId } = await createController(database, ring, {
    name: "outage",
    environment: "sandbox",
  });
  const shopify = connectors.get("shopify");
  if (shopify === undefined) throw new Error("no shopify");
  const secret = randomBytes(16).toString("hex");
  const connection = await createConnection(database, ring, shopify, controllerId, { secret }, hub.url);
  await close();

  const load = startLoad({ url: () => connection.url, secret, senders: 16 });
  await expect.poll(() => load.acknowledged(), { timeout: 10_000 }).toBeGreaterThan(100);

  await cluster.shutdown();
  const before = load.acknowledged();
  await expect.poll(() => load.statuses.get(503) ?? 0, { timeout: 10_000 }).toBeGreaterThan(30);
  expect(load.acknowledged()).toBeLessThanOrEqual(before + 16); // answers that were on their way
  const refused = await fetch(connection.url.replace(connection.id, "00000000-0000-7000-8000-000000000000"), {
    method: "POST",
    body: "{}",
  });
  expect(refused.status).toBe(503); // it cannot be known whether there is such a connection: a 404 would be a lie
  const ready = await fetch(`${hub.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ database: false });
  expect((await fetch(`${hub.url}/healthz`)).status).toBe(200);

  cluster.spawn();
  await expect.poll(() => load.acknowledged(), { timeout: 20_000 }).toBeGreaterThan(before + 300);
  await load.stop();
  expect([...load.statuses.keys()].sort()).toEqual([200, 503]);
  expect(await load.sendAgain()).toEqual({ duplicate: load.acknowledged() });

  const opened = await openDatabase({ url, dataDir: folder });
  const counts = () =>
    opened.database.inController(controllerId, async ({ sql }) => {
      const [row] = await sql`
      select count(*)::int as deliveries, count(*) filter (where status <> 'processed')::int as left,
        (select count(*)::int from subject) as subjects, (select count(*)::int from delivery_payload) as payloads from delivery`;
      return row;
    });
  await expect.poll(counts, { timeout: 40_000, interval: 200 }).toMatchObject({ left: 0, payloads: 0 });
  const { deliveries, subjects } = (await counts()) as { deliveries: number; subjects: number };
  expect(deliveries).toBeGreaterThanOrEqual(load.acknowledged());
  expect(subjects).toBe(deliveries);
  expect(hub.output()).not.toContain("example.com");
  await opened.close();
  expect(await hub.stop()).toBe(0);
  await cluster.shutdown();
  rmSync(folder, { recursive: true, force: true });
});
