import { expect, test } from "vitest";
import type { Database } from "#database";
import { freshRooms } from "#test";
import { createMetrics } from "./metrics.ts";

const GAUGES = ["lethe_outbox_events", "lethe_audit_unsealed_events", "lethe_processing_stopped"];

/** Before the first nightly check there is nothing to say of one: two more are asked for and have no value. */
test("a scrape asks the database once a gauge", async () => {
  const rooms = await freshRooms();
  try {
    await rooms.controller(); // its first audit event waits: no sequencer runs
    let asked = 0;
    const counting: Database = {
      ...rooms.database,
      acrossControllers: (role, work) => {
        asked += 1;
        return rooms.database.acrossControllers(role, work);
      },
    };
    const text = await createMetrics(counting).text();
    expect(asked).toBe(GAUGES.length + 2);
    expect(text).toMatch(/^lethe_outbox_events 0$/m);
    expect(text).toMatch(/^lethe_audit_unsealed_events \d+$/m);
  } finally {
    await rooms.drop();
  }
});

test.each([
  ["refuses", () => Promise.reject(new Error("away"))],
  ["says nothing", () => new Promise<never>(() => {})],
])("while the database %s, what it would count is left out and the rest is served", async (_, answer) => {
  const rooms = await freshRooms();
  try {
    let away = false;
    const metrics = createMetrics({
      ...rooms.database,
      acrossControllers: (role, work) => (away ? answer() : rooms.database.acrossControllers(role, work)),
    });
    metrics.observe({ connector: "shopify", outcome: "accepted" });
    expect(samples(await metrics.text())).toEqual(expect.arrayContaining(GAUGES));
    away = true;
    const text = await metrics.text();
    expect(samples(text).filter((name) => GAUGES.includes(name))).toEqual([]);
    expect(text).toContain('lethe_intake_requests_total{connector="shopify",outcome="accepted",reason=""} 1');
    away = false;
    expect(samples(await metrics.text())).toEqual(expect.arrayContaining(GAUGES));
  } finally {
    await rooms.drop();
  }
});

const samples = (text: string) => text.split("\n").map((line) => line.replace(/[ {].*$/, ""));
