import { expect, test } from "vitest";
import { simulateCustomerIo } from "../../test/support/platforms/customerio.ts";
import { asked, simulated } from "../consent.support.ts";
import { entryOf, opened, openRights, unfinished } from "../open-rights.support.ts";

const world = simulated();

const APP = "https://api.customer.io/v1/customers/d9c10600000001";
const BY = "id_type=cio_id";
const DAY = 86_400;
const now = () => Math.floor(Date.now() / 1_000);

async function carla() {
  const platform = simulateCustomerIo();
  world.platforms = [platform];
  const id = platform.add({ email: "carla@example.com", phone: "+14165550123" });
  const collect = async () => (await entryOf(await openRights(platform), id)).collect();
  return { platform, id, records: platform.records(id), collect };
}

test("all that there is of a person are attributes, devices, segments, activities and messages", async () => {
  const { platform, id, records, collect } = await carla();
  platform.know(id, { plan: "pro" });
  platform.addDevice(id);
  records.segments.push({ id: 7, name: "VIP" });
  records.activities.push({ type: "event", name: "purchased", data: { order: "#1042" } });
  records.messages.push({ id: "m1", created: now() - 60 });
  const sets = await collect();
  expect(opened(sets)).toEqual({
    attributes: [
      expect.objectContaining({
        attributes: expect.objectContaining({ id, email: "carla@example.com", plan: "pro" }),
        timestamps: { cio_id: expect.any(Number) },
        unsubscribed: false,
      }),
    ],
    devices: [expect.objectContaining({ id: "device-token" })],
    segments: [{ id: 7, name: "VIP" }],
    activities: [{ type: "event", name: "purchased", data: { order: "#1042" } }],
    messages: [{ id: "m1", created: expect.any(Number) }],
  });
  expect(unfinished(sets)).toEqual([]);
  const window = expect.stringMatching(
    new RegExp(
      `^GET ${APP}/messages\\?${BY}&limit=100&start_ts=\\d{10}&end_ts=\\d{10}$`.replace(/\./g, "\\."),
    ),
  );
  expect(asked(platform).slice(1)).toEqual([
    [`GET ${APP}/attributes?${BY}`],
    [`GET ${APP}/segments?${BY}`],
    [`GET ${APP}/activities?${BY}&limit=100`],
    [window],
  ]);
});

test("pages are asked for until the last", async () => {
  const { records, collect } = await carla();
  records.activities.push(...Array.from({ length: 250 }, (_, n) => ({ n })));
  const sets = await collect();
  expect(opened(sets)["activities"]).toEqual(Array.from({ length: 250 }, (_, n) => ({ n })));
  expect(unfinished(sets)).toEqual([]);
});

test("there is an end to it, and it is said", async () => {
  const { records, collect } = await carla();
  records.activities.push(...Array.from({ length: 10_150 }, (_, n) => ({ n })));
  const sets = await collect();
  expect(opened(sets)["activities"]).toHaveLength(10_000);
  expect(unfinished(sets)).toEqual(["activities"]);
});

test("messages are asked for by half years, back to when the person was made", async () => {
  const { platform, id, records, collect } = await carla();
  platform.know(id, {}, now() - 700 * DAY);
  const ages = [1, 179, 180.5, 359, 360.5, 699];
  records.messages.push(...ages.map((age) => ({ id: `m${age}`, created: Math.floor(now() - age * DAY) })));
  const sets = await collect();
  expect(opened(sets)["messages"]).toMatchObject(ages.map((age) => ({ id: `m${age}` })));
  // Activities are there for thirty days.
  expect(unfinished(sets)).toEqual(["activities"]);
  expect(asked(platform).filter(([request]) => String(request).includes("/messages"))).toHaveLength(4);
});

test("of somebody who is there for longer than it is looked back, there may be more", async () => {
  const { platform, id, collect } = await carla();
  platform.know(id, {}, now() - 2_000 * DAY);
  expect(unfinished(await collect())).toEqual(["activities", "messages"]);
});

test("numbers that JavaScript would round keep their digits", async () => {
  const { platform, records, collect } = await carla();
  records.activities.push({ type: "event", data: { order: "9007199254740993123" } });
  world.answer = async (request) => {
    const text = await (await platform.handle(request)).text();
    return new Response(text.replace('"9007199254740993123"', "9007199254740993123"));
  };
  expect(opened(await collect())["activities"]).toMatchObject([{ data: { order: "9007199254740993123" } }]);
});
