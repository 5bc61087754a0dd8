import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ControllerId, HUB, type RightsRequestId } from "#schemas";
import { openProcessing, type Processing } from "#test";
import { openRightsDesk, type RightsDesk } from "../../test/support/rights-requests.ts";
import { denyRights, sweepController } from "./index.ts";

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

const sweep = async (now?: string) => {
  const rooms = { ...hub.rooms, replayDays: 7, committed: () => {}, rights: { retentionYears: 2 } };
  await sweepController(rooms, controllerId, now === undefined ? undefined : new Date(now));
  const [told] = await hub.byHand<{ facts: Record<string, number> }>(
    `select convert_from(entry, 'UTF8')::json -> 'facts' as facts from audit_event
      where controller_id = $1 and convert_from(entry, 'UTF8')::json ->> 'type' = 'retention.swept' order by position desc limit 1`,
    controllerId,
  );
  return told?.facts;
};
const logged = async (type: string) =>
  (
    await hub.byHand<{ facts: Record<string, number> }>(
      `select e -> 'facts' as facts from (select id, convert_from(entry, 'UTF8')::json as e from audit_event where controller_id = $1) x
        where e ->> 'type' = $2 order by id`,
      ...[controllerId, type],
    )
  ).map(({ facts }) => facts);
const set = (id: RightsRequestId, columns: string) =>
  hub.byHand(`update rights_request set ${columns} where id = $1`, id);
const count = async (table: string) =>
  (await hub.byHand(`select from ${table} where controller_id = $1`, controllerId)).length;
async function denied(): Promise<RightsRequestId> {
  const id = await desk.open({ kind: "erasure" });
  await desk.act(id, (tx, request) => denyRights(tx, request, "no_match", { actor: "operator" }));
  return id;
}

test("what identified somebody in a closed request is gone after a week in any case", async () => {
  const id = await denied();
  await set(id, "closed_at = now() - interval '167 hours'");
  expect(await sweep()).toMatchObject({ identified: 0 });
  await set(id, "closed_at = now() - interval '169 hours'");
  expect(await sweep()).toMatchObject({ identified: 1 });
  expect(await hub.byHand("select from rights_request where id = $1 and contact is not null", id)).toEqual(
    [],
  );
  expect(await sweep()).toMatchObject({ identified: 0 });
});

test("what is told of a closed request goes after its full calendar years, unless somebody's data is restricted by it", async () => {
  const [over, binding, open] = [await denied(), await denied(), await desk.open({ kind: "access" })];
  for (const id of [over, binding])
    await set(id, "closed_at = '2023-01-01T00:00:00Z', details = null, contact = null");
  await set(open, "received_at = '2020-01-01T00:00:00Z'");
  await hub.byHand(
    `insert into subject (controller_id, id, did, sealed_key, audit_reference, restricted_by) values ($1, gen_random_uuid(), 'did', '', '', $2)`,
    controllerId,
    binding,
  );
  expect(await sweep("2025-12-31T23:59:59Z")).toMatchObject({ requests: 0 });
  expect(await sweep("2026-01-01T00:00:00Z")).toMatchObject({ requests: 1 });
  const left = await hub.byHand<{ id: string }>(
    "select id from rights_request where controller_id = $1",
    controllerId,
  );
  expect(new Set(left.map(({ id }) => id))).toEqual(new Set([binding, open]));
  const moves = await hub.byHand("select from rights_move where request_id = $1", over);
  expect(moves).toEqual([]);
});

test("what is told of a request of somebody under a legal hold stays, also of one who was merged, until it is released", async () => {
  const [own, merged, other] = [await denied(), await denied(), await denied()];
  const [survivor, gone] = [randomUUID(), randomUUID()];
  const person = "insert into subject (controller_id, id, did, sealed_key, audit_reference, merged_into)";
  await hub.byHand(`${person} values ($1, $2, 'did', '', '', null)`, controllerId, survivor);
  await hub.byHand(`${person} values ($1, $2, 'did', '', '', $3)`, controllerId, gone, survivor);
  for (const [id, subject] of [
    [own, survivor],
    [merged, gone],
    [other, randomUUID()],
  ] as const)
    await set(
      id,
      `closed_at = '2023-01-01T00:00:00Z', details = null, contact = null, subject_id = '${subject}'`,
    );
  await hub.byHand(
    "insert into legal_hold (controller_id, id, subject_id, ground, reference) values ($1, gen_random_uuid(), $2, 'legal_claims', 'case 1')",
    ...[controllerId, gone],
  );
  expect(await sweep("2026-01-01T00:00:00Z")).toMatchObject({ requests: 1 });
  expect(
    await hub.byHand("select from rights_request where id = any($1::uuid[])", `{${own},${merged}}`),
  ).toHaveLength(2);
  await hub.byHand("update legal_hold set released_at = now() where controller_id = $1", controllerId);
  expect(await sweep("2026-01-01T00:00:00Z")).toMatchObject({ requests: 2 });
});

test("what goes is on the log in the transaction in which it goes, though the sweep never came to its end", async () => {
  const id = await denied();
  await set(id, "closed_at = '2023-01-01T00:00:00Z', details = null, contact = null");
  let commits = 0;
  const dies = () => {
    commits += 1;
    if (commits === 2) throw new Error("killed"); // the first is of payloads
  };
  const rooms = { ...hub.rooms, replayDays: 7, rights: { retentionYears: 2 }, committed: dies };
  const cut = sweepController(rooms, controllerId);
  await expect(cut).rejects.toThrow("killed");
  expect(await count("rights_request")).toBe(0);
  expect(await logged("retention.removed")).toEqual([{ requests: 1 }]);
  expect(await logged("retention.swept")).toEqual([]);
});

test("a stop that comes in the middle holds what is left", async () => {
  const id = await denied();
  await set(id, "closed_at = '2023-01-01T00:00:00Z', details = null, contact = null");
  await hub.byHand(
    "insert into processing_stop (controller_id, workflow_id, reason) values ($1, gen_random_uuid(), 'other')",
    HUB,
  );
  try {
    await expect(sweep("2026-01-01T00:00:00Z")).rejects.toThrow("processing is stopped");
    expect(await count("rights_request")).toBe(1);
  } finally {
    await hub.byHand("delete from processing_stop");
  }
  expect(await sweep("2026-01-01T00:00:00Z")).toMatchObject({ requests: 1 });
});

test("the hub's own login can delete nothing that is not over", async () => {
  const [open, closed] = [await desk.open({ kind: "access" }), await denied()];
  const byHub = (statement: string) =>
    hub.rooms.database.inController(controllerId, async ({ sql }) => (await sql.unsafe(statement)).count);
  await hub.byHand(
    `insert into delivery (controller_id, id, connection_id, connector, dedupe, status)
      select $1, gen_random_uuid(), gen_random_uuid(), 'shopify', uuid_send(gen_random_uuid()), s
      from unnest(array['received', 'failed', 'processed', 'ignored', 'expired']) as s`,
    controllerId,
  );
  expect(await byHub("delete from delivery")).toBe(3);
  for (const table of ["rights_move", "rights_task", "rights_notice"])
    expect(await byHub(`delete from ${table}`), table).toBe(0);
  expect(await byHub(`delete from rights_request where id in ('${open}', '${closed}')`)).toBe(1);
  expect(await byHub("delete from rights_move")).toBeGreaterThan(0);
  expect(await hub.byHand("select from rights_move where request_id = $1", open)).not.toEqual([]);
});

test("what is told of a delivery goes after its full calendar years; what was never processed stays", async () => {
  // UUIDs of version 7 of 2023-11-14 and 2024-03-09.
  const [old, young] = ["018bcfe5-6800-7000-8000-00000000000", "018e2300-0000-7000-8000-00000000000"];
  for (const [id, status] of [
    [`${old}1`, "processed"],
    [`${old}2`, "expired"],
    [`${old}3`, "received"],
    [`${old}4`, "failed"],
    [`${young}5`, "processed"],
  ])
    await hub.byHand(
      `insert into delivery (controller_id, id, connection_id, connector, dedupe, status) values ($1, $2, gen_random_uuid(), 'shopify', uuid_send(gen_random_uuid()), $3)`,
      ...[controllerId, id ?? "", status ?? ""],
    );
  await hub.byHand(
    "insert into delivery_event (controller_id, connection_id, dedupe, delivery_id) values ($1, gen_random_uuid(), 'key', $2)",
    ...[controllerId, `${old}1`],
  );
  expect(await sweep("2025-12-31T23:59:59Z")).toMatchObject({ deliveries: 0 });
  expect(await sweep("2026-01-01T00:00:00Z")).toMatchObject({ deliveries: 2 });
  expect({ deliveries: await count("delivery"), keys: await count("delivery_event") }).toEqual({
    deliveries: 3,
    keys: 0,
  });
});
