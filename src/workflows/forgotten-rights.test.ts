import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newChallenge, setDeadlines } from "#rights";
import type { ConnectionId, ControllerId, RightsRequestId } from "#schemas";
import { openProcessing, type Processing } from "#test";
import { openRightsDesk, type RightsDesk } from "../../test/support/rights-requests.ts";
import { forgottenRights } from "./forgotten-rights.ts";
import { denyRights, verifyRights } from "./index.ts";

let hub: Processing;
let controllerId: ControllerId;
let desk: RightsDesk;
beforeAll(async () => {
  hub = await openProcessing();
});
afterAll(() => hub.close());
beforeEach(async () => {
  controllerId = await hub.rooms.controller();
  desk = openRightsDesk(hub.rooms, controllerId, "jenny@example.com");
});

/** What is announced again: `rights/requested`. */
const recovered = async () =>
  (await hub.rooms.database.inController(controllerId, forgottenRights)).map(({ name }) => name);
const set = (id: RightsRequestId, columns: string) =>
  hub.byHand(`update rights_request set ${columns} where id = $1`, id);
const minutes = (count: number) => `announced_at = now() - interval '${count} minutes'`;
const days = (count: number) => new Date(Date.now() - count * 86_400_000).toISOString();

describe("a request that no runtime knows of any more", () => {
  test("is begun with after twenty minutes, but for one that waits for its message", async () => {
    const id = await desk.open({ kind: "erasure" });
    await set(id, minutes(19));
    expect(await recovered()).toEqual([]);
    await set(id, minutes(21));
    expect(await recovered()).toEqual(["rights/requested"]);
    expect(await recovered()).toEqual([]);
    await set(id, minutes(-40));
    expect(await recovered()).toEqual([]);
  });

  test("and that a platform made before hubs carried such out is left to an operator", async () => {
    const id = await desk.open({
      kind: "erasure",
      source: "platform",
      regime: "platform",
      receivedAt: days(90),
    });
    await set(id, "announced_at = 'infinity', due_at = now() - interval '60 days'");
    expect(await recovered()).toEqual([]);
  });

  test("goes on where a legal hold kept what a platform asked for", async () => {
    const platforms = await desk.open({ kind: "erasure", source: "platform", regime: "platform" });
    const letter = await desk.open({ kind: "erasure" });
    for (const id of [platforms, letter]) await set(id, `status = 'verified', ${minutes(61)}`);
    // What came by letter is an operator's to approve.
    expect(await recovered()).toEqual(["rights/requested"]);
  });

  test("ends once its message ran out, and nobody woke up; one by letter does not", async () => {
    const opened = await Promise.all([
      desk.open({ kind: "erasure", source: "api", actor: "person" }),
      desk.open({ kind: "access" }),
    ]);
    for (const id of opened) {
      await set(id, "status = 'verifying'");
      await hub.rooms.database.inController(controllerId, (tx) => newChallenge(tx, id));
    }
    await recovered();
    const statuses = () => Promise.all(opened.map(async (id) => (await desk.show(id)).status));
    expect(await statuses()).toEqual(["verifying", "verifying"]);
    await hub.byHand("update rights_challenge set expires_at = now() - interval '61 minutes'");
    expect(await recovered()).toEqual([]);
    expect(await statuses()).toEqual(["expired", "verifying"]);
    expect(
      await hub.byHand("select from rights_request where id = $1 and details is null", opened[0]),
    ).toHaveLength(1);
  });
});

describe("a task that no runtime knows of any more", () => {
  test.each([
    ["erasure", "open", 1],
    ["access", "open", 1],
    ["erasure", "asked", 40],
    ["objection", "open", 40],
  ] as const)(
    "of an %s that is %s is carried on after %i days, in a round of its own",
    async (kind, status, after) => {
      const { id: connection } = await hub.rooms.connection(controllerId, "shopify");
      const request = await desk.open({ kind });
      await set(request, `status = 'fulfilling', ${minutes(0)}`);
      const task = await aTask(request, connection, status);
      const old = (hours: number) =>
        hub.byHand(
          `update rights_task set announced_at = now() - interval '${after * 24 + hours} hours' where id = $1`,
          task,
        );
      await old(-1);
      expect(await recovered()).toEqual([]);
      await old(1);
      expect(await hub.rooms.database.inController(controllerId, forgottenRights)).toEqual([
        { name: "rights/task", data: { controllerId, taskId: task, connectionId: connection, round: 1 } },
      ]);
      expect(await recovered()).toEqual([]);
    },
  );

  async function aTask(request: RightsRequestId, connection: ConnectionId, status: string): Promise<string> {
    const id = crypto.randomUUID();
    await hub.byHand(
      `insert into rights_task (controller_id, id, request_id, connection_id, status) values ($1, $2, $3, $4, $5)`,
      ...[controllerId, id, request, connection, status],
    );
    return id;
  }
});

describe("a clock that no runtime knows of any more", () => {
  /** Received sixty days ago and due in so many days, of which somebody was reminded so many days ago. */
  async function due(left: number, reminded?: number): Promise<RightsRequestId> {
    const id = await desk.open({ kind: "erasure", receivedAt: days(60) });
    await set(id, `status = 'verifying', ${minutes(0)}, due_at = now() + interval '${left} days'`);
    if (reminded !== undefined)
      await hub.byHand(
        `insert into rights_notice (controller_id, id, request_id, notice, status, created_at)
          values ($1, gen_random_uuid(), $2, 'reminder', 'sent', now() - interval '${reminded} days')`,
        ...[controllerId, id],
      );
    return id;
  }
  test.each([
    ["a week before", 6.4, undefined],
    ["a day before", 0.4, 6],
    ["that it is overdue", -0.6, 2],
    ["of anything", -30, undefined],
  ])("is started again when nobody was reminded: %s", async (_, left, reminded) => {
    await due(left, reminded);
    expect(await recovered()).toEqual(["rights/clock"]);
  });

  test.each([
    ["it is not half a day late", 6.6, undefined],
    ["somebody was reminded", 5, 2],
    ["somebody was reminded the day before", 0.4, 1.1],
    ["it was said that it is overdue", -10, 9],
  ])("is left alone while %s", async (_, left, reminded) => {
    await due(left, reminded);
    expect(await recovered()).toEqual([]);
  });

  test("says what was missed, once, and is at peace", async () => {
    // A month is due in a week at most by then.
    const id = await desk.open({ kind: "erasure", receivedAt: days(26) });
    await set(id, `status = 'verifying', ${minutes(0)}`);
    await hub.byHand("delete from runtime_event");
    const missed = await hub.rooms.database.inController(controllerId, forgottenRights);
    const data = missed.map(({ data }) => data)[0];
    await hub.byHand(
      "insert into runtime_event (controller_id, id, name, data) values ($1, gen_random_uuid()::text, 'rights/clock', $2::text::jsonb)",
      ...[controllerId, JSON.stringify(data)],
    );
    await hub.working(() =>
      expect
        .poll(async () => (await desk.show(id)).notices.map(({ notice }) => notice))
        .toEqual(["reminder"]),
    );
    expect(await recovered()).toEqual([]);
  });

  test("is nobody's of a request that was verified lately, or that is closed", async () => {
    const late = await desk.open({ kind: "access", regime: "uk_gdpr", receivedAt: days(200) });
    await set(late, `status = 'verifying', ${minutes(0)}`);
    await desk.act(late, (tx, request, keys) =>
      verifyRights(tx, keys, request, "document", { actor: "operator" }),
    );
    await desk.act(late, setDeadlines);
    const closed = await due(-30);
    await desk.act(closed, (tx, request) => denyRights(tx, request, "no_match", { actor: "operator" }));
    expect(await recovered()).toEqual([]);
  });
});
