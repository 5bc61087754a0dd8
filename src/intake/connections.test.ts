import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ConnectionId, ControllerId } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { type ConnectionDirectory, openDirectory } from "./connections.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let id: ConnectionId;
let directory: ConnectionDirectory;
/** Lookups in the database that have been answered so far, and what keeps an answer from arriving. */
let lookups = 0;
let hold: Promise<void> | undefined;
beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());
beforeEach(async () => {
  controllerId = await rooms.controller();
  id = (await rooms.connection(controllerId, "shopify", { account: "acme.myshopify.com" })).id;
  lookups = 0;
  const { database } = rooms;
  directory = openDirectory(
    {
      ...database,
      acrossControllers: async (...of) => {
        const answer = await database.acrossControllers(...of);
        lookups += 1;
        await hold;
        return answer;
      },
    },
    rooms.ring,
  );
});

test("a connection that a thousand requests ask for at once is looked up once, and found by all of them", async () => {
  const asked = Array.from({ length: 1_000 }, () => directory.byId("shopify", id));
  const found = await Promise.all(asked);
  expect(found.filter((one) => one?.id === id)).toHaveLength(1_000);
  expect(lookups).toBe(1);
  await directory.byId("shopify", id);
  expect(lookups).toBe(1);
});

test("made-up ids are looked up a few at a time, and no more of them wait than a line may hold", async () => {
  const madeUp = () => directory.byId("shopify", crypto.randomUUID());
  const asked = await Promise.allSettled(Array.from({ length: 1_000 }, madeUp));
  expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(258);
  expect(lookups).toBe(258);
  expect(asked.at(-1)).toMatchObject({ reason: { code: "intake/busy" } });
});

test("what was being read when a change was told of is not remembered", async () => {
  const accountNow = async () => (await directory.byId("shopify", id))?.account;
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  hold = held;
  const read = accountNow();
  await expect.poll(() => lookups).toBe(1);
  hold = undefined;
  await rooms.sql`update connection set account = 'other.myshopify.com' where id = ${id}`;
  directory.clear();
  expect(await accountNow()).toBe("other.myshopify.com");
  letGo();
  expect(await read).toBe("acme.myshopify.com");
  expect(await accountNow()).toBe("other.myshopify.com");
});
