import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuditEntry, type ControllerId, type RightsRequestId, RightsStatus } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { isClosed, lockRequest, moveRequest, openRequest } from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let id: RightsRequestId;
beforeAll(async () => {
  rooms = await freshRooms();
  controllerId = await rooms.controller();
  const keys = await rooms.ring.keys(controllerId);
  const details = {
    emails: ["ann@example.com"],
    phones: [],
    platformIds: [],
    region: null,
    corrections: null,
  };
  const opened = await rooms.database.inController(controllerId, (tx) =>
    openRequest(tx, keys, {
      ...{
        source: "operator",
        actor: "operator",
        kind: "erasure",
        scope: "subject",
        regime: "gdpr",
        details,
      },
      ...{ subjectId: null, connectionId: null, delivery: null, platformDays: null },
      receivedAt: new Date().toISOString(),
    }),
  );
  id = opened.id;
});
afterAll(() => rooms.drop());

/** Every move that there is; what is not here is refused. */
const ALLOWED: Readonly<Record<RightsStatus, string>> = {
  received: "verifying verified denied cancelled",
  verifying: "verified denied expired cancelled",
  verified: "approved denied cancelled",
  approved: "fulfilling cancelled",
  fulfilling: "fulfilled partly_fulfilled",
  fulfilled: "",
  partly_fulfilled: "",
  denied: "",
  expired: "",
  cancelled: "",
};
const pairs = RightsStatus.options.flatMap((from) => RightsStatus.options.map((to) => [from, to] as const));
const allowed = pairs.filter(([from, to]) => ALLOWED[from].split(" ").includes(to));
const refused = pairs.filter((pair) => !allowed.includes(pair));

/** Tries a move; resolves with what it threw, and with what stands there afterwards. */
async function tried(from: RightsStatus, to: RightsStatus) {
  await rooms.superuser(
    (sql) => sql`update rights_request set status = ${from}, closed_at = null where id = ${id}`,
  );
  const before = await written();
  const error = await rooms.database
    .inController(controllerId, async (tx) => {
      const request = await lockRequest(tx, id);
      if (request === undefined) throw new Error("no request");
      await moveRequest(tx, request, to, { actor: "operator", reason: "other" });
    })
    .catch((thrown: unknown) => thrown);
  const request = await rooms.database.inController(controllerId, (tx) => lockRequest(tx, id));
  const after = await written();
  return {
    error,
    ...{ status: request?.status, closed: request?.closedAt != null },
    moves: after.moves.slice(before.moves.length),
    events: after.events.slice(before.events.length),
  };
}

async function written() {
  const moves = await rooms.superuser(
    (sql) =>
      sql`select from_status, to_status, actor, reason from rights_move where request_id = ${id} order by position`,
  );
  const rows = await rooms.superuser(
    (sql) => sql`select entry from audit_event where workflow_id = ${id} order by position`,
  );
  const events = rows.map(({ entry }) => AuditEntry.parse(JSON.parse(Buffer.from(entry).toString("utf8"))));
  return { moves: [...moves], events };
}

describe("a request", () => {
  test.each(allowed)("that is %s may become %s, with a word of it in the log", async (from, to) => {
    const { error, status, closed, moves, events } = await tried(from, to);
    expect([error, status, closed]).toEqual([undefined, to, isClosed(to)]);
    expect(moves).toEqual([{ from_status: from, to_status: to, actor: "operator", reason: "other" }]);
    expect(events).toMatchObject([
      { type: `rights.${to}`, actor: "operator", facts: { from, reason: "other" } },
    ]);
  });

  test.each(refused)("that is %s cannot become %s, and nothing of it is written", async (from, to) => {
    const { error, status, moves, events } = await tried(from, to);
    expect(error).toMatchObject({ code: "rights/illegal-move", status: 409 });
    expect([status, moves, events]).toEqual([from, [], []]);
  });

  test("is closed where no move leads on, and only there", () => {
    expect(RightsStatus.options.filter(isClosed)).toEqual(
      RightsStatus.options.filter((from) => ALLOWED[from] === ""),
    );
  });
});
