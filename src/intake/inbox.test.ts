import { createHash } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ConnectionId, type ControllerId, DeliveryId, describeError, type Sealed } from "#schemas";
import { fixture, freshRooms, openTestDoor, sendFixture, type TestRooms } from "#test";
import { type Inbox, openInbox, openRequest, type StoredRequest, sealRequest } from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let connection: { id: ConnectionId; secret: string };
let inbox: Inbox;
beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());
beforeEach(async () => {
  controllerId = await rooms.controller();
  connection = await rooms.connection(controllerId, "shopify");
  inbox = anotherHub();
});
const anotherHub = () => openInbox(rooms.database, { stored: () => {} });

/** As many of these as may be written at once keep the door's writers busy: what comes after them shares a statement. */
const FIRST = 2;
const names = (count: number, what = "") => Array.from({ length: count }, (_, n) => `${what} ${n}`);

/** Verified webhooks as the door makes them, named by what their platform identifies them by; it is also their topic. */
async function webhooks(
  identities: readonly string[],
  { bytes = 100, of = controllerId, connectionId = connection.id } = {},
) {
  const keys = await rooms.ring.keys(of);
  const about = {
    door: 0,
    topic: undefined,
    account: undefined,
    occurredAt: undefined,
    environment: undefined,
  };
  return identities.map((identity) => {
    const id = DeliveryId.parse(uuidv7());
    return {
      id,
      connectionId,
      connector: "shopify",
      topic: identity,
      dedupe: createHash("sha256").update(identity).digest().subarray(0, 16),
      sealed: sealRequest(keys, of, id, { about, body: Buffer.alloc(bytes, identity) }),
    };
  });
}

/** What each gets for an answer, errors by their code. */
async function answers(into: Inbox, given: Awaited<ReturnType<typeof webhooks>>): Promise<string[]> {
  const settled = await Promise.allSettled(given.map((one) => into.store(controllerId, one)));
  return settled.map((one) => (one.status === "fulfilled" ? one.value : describeError(one.reason).code));
}

/** What is in the inbox with its payload and its outbox event, all three written by one transaction. */
const inInbox = (of = controllerId) =>
  rooms.superuser(
    (sql) => sql<
      { id: DeliveryId; commit: string; seq: number; sealed: Sealed<StoredRequest>; event: object }[]
    >`
      select d.id, d.xmin::text as commit, e.seq::int, p.sealed, e.data as event from delivery d
      join delivery_payload p on p.delivery_id = d.id and p.controller_id = d.controller_id and p.xmin = d.xmin
      join runtime_event e on e.id = d.id::text and e.controller_id = d.controller_id and e.xmin = d.xmin
      where d.controller_id = ${of} order by d.id`,
  );

/** How many rows there are of each kind, also such as belong to nothing. */
const rows = async () => {
  const count = (table: string) =>
    rooms.superuser((sql) => sql`select from ${sql(table)} where controller_id = ${controllerId}`);
  const found = await Promise.all(["delivery", "delivery_payload", "runtime_event"].map(count));
  return found.map(({ length }) => length);
};

/** The doors' sessions that wait for a lock; a door gives a statement three seconds. */
const blocked = () =>
  rooms.superuser(
    (sql) => sql<{ pid: number }[]>`select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and application_name = 'lethe-intake'`,
  );
const untilBlocked = (count: number) => expect.poll(blocked, { timeout: 2_500 }).toHaveLength(count);

/** Has the database do something at the commit of deliveries with this topic: the INSERT itself has gone well by then. */
async function atCommitOf(topic: string, action: string): Promise<() => Promise<void>> {
  const undo = () =>
    rooms.superuser(async (sql) => void (await sql`drop function if exists at_commit cascade`));
  onTestFinished(undo);
  await rooms.superuser((sql) =>
    sql.unsafe(`
      create function at_commit() returns trigger language plpgsql as $$ begin ${action}; return new; end $$;
      create constraint trigger at_commit after insert on delivery deferrable initially deferred
        for each row when (new.topic = '${topic}') execute function at_commit()`),
  );
  return undo;
}

/** Commits of deliveries with the topic `held` wait for as long as `work` takes, or until it lets them go. */
async function holdingCommits<T>(work: (letGo: () => Promise<unknown>) => Promise<T>): Promise<T> {
  await atCommitOf("held", "perform pg_advisory_xact_lock(1)");
  return rooms.superuser(async (sql) => {
    await sql`select pg_advisory_lock(1)`;
    return work(() => sql`select pg_advisory_unlock(1)`);
  });
}

describe("deliveries that come at once", () => {
  test("share few commits, of at most 128, and those that come first need not wait for the rest", async () => {
    const outcomes = await answers(inbox, await webhooks(names(500)));
    expect(outcomes).toEqual(Array(500).fill("accepted"));
    const commits = [...Map.groupBy(await inInbox(), ({ commit }) => commit).values()];
    expect(commits.flat()).toHaveLength(500);
    expect(commits.length).toBeLessThanOrEqual(FIRST + Math.ceil((500 - FIRST) / 128));
    expect(Math.max(...commits.map((rows) => rows.length))).toBe(128);
    expect(commits.slice(0, FIRST).map((rows) => rows.length)).toEqual([1, 1]);
    for (const commit of commits) expect(commit).toEqual(commit.toSorted((a, b) => a.seq - b.seq)); // as they came
  });

  test("share a commit only up to a few megabytes, so that it is over in time", async () => {
    await answers(inbox, await webhooks(names(10), { bytes: 1_500_000 }));
    const commits = Map.groupBy(await inInbox(), ({ commit }) => commit);
    const sizes = [...commits.values()].map((rows) => Buffer.concat(rows.map(({ sealed }) => sealed)).length);
    expect(Math.max(...sizes)).toBeLessThan(4 * 1024 * 1024);
    expect(commits.size).toBe(FIRST + (10 - FIRST) / 2);
  });

  test("of two controllers land each under its own, though their platforms name them alike", async () => {
    const other = await rooms.controller();
    const { id: connectionId } = await rooms.connection(other, "shopify");
    const theirs = await webhooks(names(100), { of: other, connectionId });
    const owners = new Map([[controllerId, await webhooks(names(100))] as const, [other, theirs] as const]);
    const all = [...owners].flatMap(([owner, given]) => given.map((one) => inbox.store(owner, one)));
    expect(await Promise.all(all)).toEqual(Array(200).fill("accepted"));
    for (const [owner, given] of owners) {
      const keys = await rooms.ring.keys(owner);
      const stored = await inInbox(owner);
      expect(stored.map(({ id }) => id)).toEqual(given.map(({ id }) => id));
      for (const { id, sealed, event } of stored) {
        expect(event).toEqual({ controllerId: owner, deliveryId: id });
        expect(openRequest(keys, owner, id, sealed).body).toHaveLength(100);
      }
    }
  });
});

test("a lone delivery goes at once: it is committed while the clock stands still", async () => {
  const [warm, lone] = await webhooks(["warm", "lone"]);
  if (warm === undefined || lone === undefined) throw new Error("there are two");
  await inbox.store(controllerId, warm); // opens the session, for which the driver sets timers
  vi.useFakeTimers({ toFake: ["setTimeout", "setInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  expect(await inbox.store(controllerId, lone)).toBe("accepted");
});

describe("a delivery that comes again", () => {
  test("in the same commit, in a later one, or at another hub, is a duplicate; the first is what is kept", async () => {
    const first = await webhooks([...names(FIRST, "first"), "a", "b"]);
    const again = await webhooks(["a", "b", "a"]);
    const outcomes = await answers(inbox, [...first, ...again]);
    expect(outcomes).toEqual([...Array(FIRST + 2).fill("accepted"), ...Array(3).fill("duplicate")]);
    const stored = await inInbox();
    expect(stored.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    expect(new Set(stored.slice(FIRST).map(({ commit }) => commit)).size).toBe(1);

    for (const hub of [inbox, anotherHub()])
      expect(await answers(hub, await webhooks(["a", "b"]))).toEqual(["duplicate", "duplicate"]);
    expect(await rows()).toEqual([4, 4, 4]);
  });

  test("on another connection of the controller is another delivery", async () => {
    const { id: connectionId } = await rooms.connection(controllerId, "shopify");
    for (const where of [{}, { connectionId }])
      expect(await answers(inbox, await webhooks(["a"], where))).toEqual(["accepted"]);
  });

  test("is not acknowledged before the first one is committed, nor is that", async () => {
    const [first, again] = [await webhooks(["held"]), await webhooks(["held"])];
    const heard: string[] = [];
    await holdingCommits(async (letGo) => {
      const one = answers(inbox, first).then((said) => heard.push(...said));
      await untilBlocked(1);
      const two = answers(anotherHub(), again).then((said) => heard.push(...said));
      await untilBlocked(2);
      expect(heard).toEqual([]);
      await letGo();
      await Promise.all([one, two]);
    });
    expect(heard.sort()).toEqual(["accepted", "duplicate"]);
  });

  test("with others, at two hubs at once, in opposite order, deadlocks nobody", async () => {
    const here = await webhooks([...names(FIRST, "here"), "a", "b", "c"]);
    const there = await webhooks([...names(FIRST, "there"), "c", "b", "a"]);
    const [middle] = await webhooks(["b"]);
    const [one, two] = await rooms.superuser(async (sql) => {
      // A row that both wait for, after the first that each has written.
      await sql`begin`;
      await sql`insert into delivery (controller_id, id, connection_id, connector, dedupe)
        values (${controllerId}, ${uuidv7()}, ${connection.id}, 'shopify', ${middle?.dedupe ?? null})`;
      const said = Promise.all([answers(inbox, here), answers(anotherHub(), there)]);
      await untilBlocked(2);
      await sql`rollback`;
      return said;
    });
    expect([...one, ...two].sort()).toEqual([
      ...Array(2 * FIRST + 3).fill("accepted"),
      ...Array(3).fill("duplicate"),
    ]);
  });
});

describe("when the commit fails", () => {
  test("nobody who shared it is acknowledged, nothing of it is written, and the next try is no duplicate", async () => {
    await atCommitOf("refused", "raise 'no' using errcode = 'check_violation'");
    const given = await webhooks([...names(FIRST), "a", "refused", "b"]);
    expect(await answers(inbox, given)).toEqual([
      ...Array(FIRST).fill("accepted"),
      ...Array(3).fill("postgres/23514"),
    ]);
    expect(await rows()).toEqual([FIRST, FIRST, FIRST]);
    expect(await answers(inbox, await webhooks(["a", "b"]))).toEqual(["accepted", "accepted"]);
  });

  test("because the session is lost, likewise; the next has a new one", async () => {
    const given = await webhooks(["held"]);
    const said = await holdingCommits(async () => {
      const held = answers(inbox, given);
      await untilBlocked(1);
      const [session] = await blocked();
      await rooms.superuser((sql) => sql`select pg_terminate_backend(${session?.pid ?? 0})`);
      return held;
    });
    expect(said).toEqual(["database/unavailable"]);
    expect(await rows()).toEqual([0, 0, 0]);
    expect(await answers(inbox, await webhooks(["a"]))).toEqual(["accepted"]);
  });

  test("the platform hears 503, and is welcome to send again", async () => {
    const door = await openTestDoor(rooms);
    onTestFinished(door.stop);
    const url = `${door.url}/webhooks/shopify/${connection.id}`;
    const send = () => sendFixture(url, "shopify", fixture("shopify/customers-create"), connection.secret);
    const undo = await atCommitOf("customers/create", "raise 'no' using errcode = 'check_violation'");
    const refused = await send();
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: "intake/not-stored" });
    await undo();
    expect(await (await send()).json()).toMatchObject({ status: "accepted" });
    expect(await (await send()).json()).toMatchObject({ status: "duplicate" });
  });
});
