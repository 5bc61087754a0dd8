import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ControllerId } from "#schemas";
import { freshDatabase, freshRooms, type TestDatabase, type TestRooms } from "#test";
import { findPolicyFaults, tables } from "./index.ts";

describe("the catalogue", () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
  });
  afterAll(() => db.drop());

  const faults = () => db.superuser(findPolicyFaults);

  test("has a forced policy of the transaction's controller on every table", async () => {
    expect(await faults()).toEqual([]);
  });

  // Each breaks the isolation in one way, as a careless migration might, and must be found.
  test.each([
    [
      "a table without row-level security",
      "create table lethe.bare (controller_id uuid not null primary key)",
      "row-level security is off",
    ],
    [
      "row-level security that the owner escapes",
      "alter table lethe.subject no force row level security",
      "not FORCEd",
    ],
    [
      "a table without a policy",
      "drop policy controller_isolation_lethe_app on lethe.subject",
      "has no policy",
    ],
    [
      "a policy that lets everything through",
      "create policy open on lethe.subject to lethe_app using (true)",
      "lets lethe_app see every controller's rows",
    ],
    [
      "a policy for everybody",
      "create policy everybody on lethe.subject using (controller_id is not null)",
      "for PUBLIC",
    ],
    [
      "a unique key across controllers",
      "create unique index leaky on lethe.subject (did)",
      "does not start with controller_id",
    ],
    [
      "a view with its owner's rights",
      "create view lethe.people as select * from lethe.subject",
      "owner's rights",
    ],
    [
      "a SECURITY DEFINER function",
      "create function lethe.peek() returns int language sql security definer as 'select 1'",
      "SECURITY DEFINER",
    ],
    ["a hub role with BYPASSRLS", "alter role lethe_app bypassrls", "has BYPASSRLS"],
    ["a hub role that is a superuser", "alter role lethe_sequencer superuser", "is a superuser"],
    ["a hub role that owns a table", "alter table lethe.subject owner to lethe_runtime", "owns subject"],
    ["a hub role that may become the owner", "grant lethe_owner to lethe_intake", "may become the owner"],
    [
      "a grant of TRUNCATE, which ignores policies",
      "grant truncate on lethe.subject to lethe_app",
      "TRUNCATE on subject",
    ],
    ["a grant to everybody", "grant select on lethe.subject to public", "SELECT on subject"],
  ])("reveals %s", async (_what, change, found) => {
    await db.superuser(async (sql) => {
      await sql
        .begin(async (tx) => {
          await tx.unsafe(change);
          const seen = await findPolicyFaults(tx);
          expect(seen.map(({ object, fault }) => `${object} ${fault}`).join("\n")).toContain(found);
          throw new Error("undo");
        })
        .catch((error: Error) => {
          if (error.message !== "undo") throw error;
        });
    });
    expect(await faults()).toEqual([]);
  });
});

describe("a controller's transaction", () => {
  let rooms: TestRooms;
  let mine: ControllerId;
  let theirs: ControllerId;
  beforeAll(async () => {
    rooms = await freshRooms();
    mine = await rooms.controller();
    theirs = await rooms.controller();
    await rooms.connection(theirs, "shopify");
  });
  afterAll(() => rooms.drop());

  test("sees its own rows and no others", async () => {
    const seen = await rooms.database.inController(mine, ({ db }) => db.select().from(tables.controllerKey));
    expect(new Set(seen.map(({ controllerId }) => controllerId))).toEqual(new Set([mine]));
    expect(await rooms.database.inController(mine, ({ db }) => db.select().from(tables.connection))).toEqual(
      [],
    );
  });

  test("cannot write a row of another controller", async () => {
    const write = rooms.database.inController(
      mine,
      ({ sql }) =>
        sql`insert into audit_event (controller_id, workflow_id, position, entry) values (${theirs}, gen_random_uuid(), 0, '')`,
    );
    await expect(write).rejects.toThrow(/row-level security/);
  });

  test("cannot move its own row to another controller", async () => {
    await rooms.connection(mine, "shopify");
    const move = rooms.database.inController(
      mine,
      ({ sql }) => sql`update connection set controller_id = ${theirs}`,
    );
    await expect(move).rejects.toThrow(/row-level security/);
  });

  test("sees nothing when the controller is missing, empty or forged", async () => {
    const { url, ...options } = rooms.server;
    const { default: postgres } = await import("postgres");
    const sql = postgres(url ?? "", {
      ...options,
      max: 1,
      connection: { role: "lethe_app", search_path: "lethe" },
    });
    try {
      expect(await sql`select * from subject`).toEqual([]);
      expect(await sql`select * from controller`).toEqual([]);
      await sql.begin(async (tx) => {
        await tx`select set_config('app.current_controller_id', '', true)`;
        expect(await tx`select * from controller_key`).toEqual([]);
      });
      const forged = sql.begin(async (tx) => {
        await tx`select set_config('app.current_controller_id', ${"' or true --"}, true)`;
        return tx`select * from controller_key`;
      });
      await expect(forged).rejects.toThrow(/invalid input syntax for type uuid/);
      // After the transaction nothing of its controller is left on the connection.
      await sql.begin((tx) => tx`select set_config('app.current_controller_id', ${mine}, true)`);
      expect(await sql`select * from controller_key`).toEqual([]);
    } finally {
      await sql.end();
    }
  });

  test("leaves nothing behind on its connection after an error", async () => {
    await expect(
      rooms.database.inController(theirs, ({ sql }) => sql`select * from nowhere`),
    ).rejects.toThrow();
    const seen = await Promise.all(
      Array.from({ length: 20 }, () =>
        rooms.database.inController(
          mine,
          ({ sql }) => sql`select distinct controller_id from controller_key`,
        ),
      ),
    );
    expect(new Set(seen.flat().map((row) => row.controller_id))).toEqual(new Set([mine]));
  });

  test("may not turn row-level security off", async () => {
    for (const attempt of [
      "alter table subject disable row level security",
      "drop policy controller_isolation_lethe_app on subject",
      "truncate subject",
    ]) {
      const tried = rooms.database.inController(mine, ({ sql }) => sql.unsafe(attempt));
      await expect(tried, attempt).rejects.toThrow(/must be owner|permission denied/);
    }
  });
});

describe("the door's role", () => {
  let rooms: TestRooms;
  beforeAll(async () => {
    rooms = await freshRooms();
  });
  afterAll(() => rooms.drop());

  test.each([
    "subject",
    "identifier",
    "processing_activity",
    "consent_record",
    "audit_event",
    "delivery_payload",
  ])("cannot read %s", async (table) => {
    const controllerId = await rooms.controller();
    const read = rooms.database.inController(controllerId, ({ sql }) => sql`select * from ${sql(table)}`, {
      as: "lethe_intake",
    });
    await expect(read).rejects.toThrow(/permission denied/);
  });
});
