import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  acme,
  fixture,
  freshRooms,
  type HubProcess,
  runLethe,
  sendFixture,
  startHubProcess,
  type TestRooms,
} from "#test";

/** A hub with a connector from elsewhere, and with one that is broken. */
const folder = mkdtempSync(join(tmpdir(), "lethe-extra-"));
let rooms: TestRooms;
let hub: HubProcess;
let settings: Record<string, string>;
let controller: string;
const lethe = (...args: string[]) => runLethe([...args, "--json"], settings);

beforeAll(async () => {
  rooms = await freshRooms();
  controller = await rooms.controller();
  acme(join(folder, "acme"));
  acme(join(folder, "broken"), {
    change: (code) => code.replace('id: "acme"', 'id: "broken"').replace("signature: ", "verify: "),
  });
  settings = {
    DATABASE_URL: rooms.url,
    LETHE_MASTER_KEY: rooms.masterKey,
    LETHE_DATA_DIR: join(folder, "data"),
    LETHE_CONNECTORS: `${folder}/broken,${folder}/acme`,
  };
  hub = await startHubProcess(settings);
});
afterAll(async () => {
  await hub.stop();
  await rooms.drop();
  rmSync(folder, { recursive: true, force: true });
});

test("the one from elsewhere takes deliveries, and its own fixtures are at hand", async () => {
  const added = await lethe("connection", "add", "acme", "--controller", controller, "--secret", "s");
  expect(added).toMatchObject({ code: 0, err: "" });
  expect((await lethe("send", "acme")).json()).toMatchObject([{ name: "customer-created" }]);
  expect((await lethe("send", "acme", "customer-created")).json()).toMatchObject({ status: 200 });
  const activities = async () => (await lethe("activities", "list")).json<{ activity: string }[]>();
  await expect.poll(activities, { timeout: 10_000 }).toMatchObject([{ activity: "customer.created" }]);
});

test("the broken one is named at start and by the doctor, and has no door", async () => {
  await expect
    .poll(hub.output)
    .toMatch(/"level":"error".*\/broken".*"code":"connector\/invalid".*webhook\.signature/);
  const doctor = await lethe("doctor");
  expect(doctor.code).toBe(1);
  const { checks } = doctor.json<{ checks: { name: string; ok: boolean; detail: string }[] }>();
  expect(checks.filter(({ ok }) => !ok)).toMatchObject([
    { name: "connectors", detail: expect.stringContaining("connector/invalid") },
  ]);
  const response = await fetch(`${hub.url}/webhooks/broken/${crypto.randomUUID()}`, {
    method: "POST",
    body: "{}",
  });
  expect(response.status).toBe(404);
});

test("those that Lethe ships work as ever", async () => {
  const { id, secret } = await rooms.connection(controller as never, "shopify");
  const sent = await sendFixture(
    `${hub.url}/webhooks/shopify/${id}`,
    "shopify",
    fixture("shopify/orders-create"),
    secret,
  );
  expect(sent.status).toBe(200);
});
