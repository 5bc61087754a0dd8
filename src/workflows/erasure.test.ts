import { beforeEach, describe, expect, test } from "vitest";
import { subjectById } from "#identity";
import {
  completeTask,
  findTask,
  lockRequest,
  placeHold,
  sealNote,
  showRightsRequest,
  tasksOf,
} from "#rights";
import type { RightsCaseView, RightsTaskView, SubjectId } from "#schemas";
import {
  at,
  audited,
  EMAIL,
  known,
  platform,
  untilQuiet,
  useFourPlatforms,
} from "../../test/support/four-platforms.ts";
import { simulateKlaviyo } from "../../test/support/platforms/klaviyo.ts";
import type { Fault } from "../../test/support/platforms/simulated.ts";
import {
  announceSettled,
  approveRights,
  openRights,
  releaseRights,
  retryTask,
  verifyRights,
} from "./index.ts";

useFourPlatforms();

const inController = <T>(work: Parameters<typeof at.hub.rooms.database.inController<T>>[1]) =>
  at.hub.rooms.database.inController<T>(at.controllerId, work);
const keysOf = () => at.hub.rooms.ring.keys(at.controllerId);

/** An erasure that an operator took down, and vouches for. */
async function verified(): Promise<string> {
  const keys = await keysOf();
  const details = { emails: [EMAIL], phones: [], platformIds: [], region: null, corrections: null };
  const { id } = await inController((tx) =>
    openRights(tx, keys, {
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
  await expect.poll(async () => (await show(id)).status).toBe("verifying");
  await inController(async (tx) => {
    const request = await lockRequest(tx, id);
    if (request !== undefined) await verifyRights(tx, keys, request, "document", { actor: "operator" });
  });
  return id;
}

async function approve(id: string): Promise<void> {
  await inController(async (tx) => {
    const request = await lockRequest(tx, id);
    if (request !== undefined) await approveRights(tx, request, { actor: "operator" });
  });
}

async function show(id: string): Promise<RightsCaseView> {
  const keys = await keysOf();
  const shown = await inController((tx) => showRightsRequest(tx, keys, id));
  if (shown === undefined) throw new Error("no request");
  return shown;
}

const said = ({ status, reason }: RightsTaskView) => (reason === null ? status : `${status}: ${reason}`);
const outcomes = async (id: string) =>
  Object.fromEntries((await show(id)).platforms.map((task) => [task.connector ?? "the hub", said(task)]));
const at4 = (outcome: Record<string, string>) => ({
  ...{ shopify: "done_verified", mailchimp: "done_verified", klaviyo: "retained", customerio: "retained" },
  ...{ "the hub": "done_verified", ...outcome },
});

/** Platforms that take their time have done it now. */
function carriedOut(): void {
  for (const { finish } of at.platforms) finish?.();
}
/** Requests that destroy, as each platform documents them. */
const DESTRUCTIVE: Readonly<Record<string, RegExp>> = {
  shopify: /customerRequestDataErasure/,
  mailchimp: /delete-permanent/,
  klaviyo: /data-privacy-deletion-jobs/,
  customerio: /\/suppress/,
};
const destroyed = (name: string) =>
  platform(name).requests.filter(({ url, body }) => DESTRUCTIVE[name]?.test(`${url} ${body}`)).length;
const closed = (id: string) =>
  expect
    .poll(
      async () => {
        carriedOut();
        return (await show(id)).closedAt;
      },
      { timeout: 20_000 },
    )
    .not.toBeNull();
const settledAs = (id: string, name: string, outcome: string) =>
  expect
    .poll(
      async () => {
        carriedOut();
        return (await outcomes(id))[name];
      },
      { timeout: 20_000 },
    )
    .toBe(outcome);

describe("an erasure of somebody known on four platforms", () => {
  test("closes with what became of it on each, once each; what they report of it afterwards is recognised", () =>
    at.hub.working(async () => {
      await known();
      const id = await verified();
      await approve(id);
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({}));
      expect((await show(id)).status).toBe("fulfilled");
      for (const { connector, has } of at.platforms) {
        expect(has(at.ids.get(connector) ?? ""), connector).toBe(false);
        expect(destroyed(connector), connector).toBe(1);
      }
      // Mailchimp tells of the deletion, by the address, as it tells of any.
      await untilQuiet();
      const sightings = await at.hub.byHand<{ connector: string }>(
        "select n.connector from erased_sighting s join connection n on n.id = s.connection_id where s.controller_id = $1",
        at.controllerId,
      );
      expect(sightings.map(({ connector }) => connector)).toEqual(["mailchimp"]);
      expect(await audited("subject.erased_seen")).toHaveLength(1);
      const [left] = await at.hub.byHand<{ subjects: number; details: number }>(
        `select (select count(*)::int from subject where controller_id = $1 and status <> 'erased') as subjects,
          (select count(*)::int from rights_request where controller_id = $1 and (details is not null or contact is not null or subject_id is not null))
          + (select count(*)::int from rights_task where controller_id = $1 and asked is not null) as details`,
        at.controllerId,
      );
      expect(left).toEqual({ subjects: 0, details: 0 });
      // Every move is on the audit log, with who and why, in a chain that names nobody.
      const rows = await at.hub.byHand<{ entry: Buffer }>(
        "select entry from audit_event where controller_id = $1 and workflow_id = $2 order by position",
        at.controllerId,
        id,
      );
      const events = rows.map(({ entry }) => JSON.parse(entry.toString("utf8")));
      expect(events.every(({ subject }) => subject === null)).toBe(true);
      const moves = events.filter(({ type }) => type !== "rights.task");
      expect(moves.map(({ type, actor, facts }) => [type, actor, facts.reason ?? null])).toEqual([
        ["rights.received", "operator", "gdpr"],
        ["rights.verifying", "hub", null],
        ["rights.verified", "operator", "document"],
        ["rights.approved", "operator", null],
        ["rights.fulfilling", "hub", null],
        ["rights.fulfilled", "hub", null],
        ["rights.told", "hub", null],
      ]);
    }));
});

const FAULTS: readonly (readonly [name: string, fault: Fault, outcome: string])[] = [
  ["answers 429 for ever", { status: 429 }, "failed"],
  ["answers 500 for ever", { status: 500 }, "failed"],
  ["breaks every connection", "cut", "failed"],
];

describe("a platform that", () => {
  test.each(FAULTS)(
    "%s ends as what it is, and the request stays open until somebody saw to it",
    (_, fault, outcome) =>
      at.hub.working(async () => {
        await known();
        platform("mailchimp").fail(fault);
        const id = await verified();
        await approve(id);
        await settledAs(id, "mailchimp", outcome);
        for (const name of ["shopify", "klaviyo", "customerio"])
          await settledAs(id, name, at4({})[name as "shopify"]);
        expect(await show(id)).toMatchObject({ status: "fulfilling", waiting: 1 });
        expect((await show(id)).platforms.find(({ connector }) => connector === "mailchimp")?.error).toMatch(
          /^platform\//,
        );
        // Nothing that the hub knows them by is gone before that: it is needed to try again.
        platform("mailchimp").fail();
        await inController(async (tx) => {
          const task = (await tasksOf(tx, { requests: [id] })).find(
            ({ connector }) => connector === "mailchimp",
          );
          if (task !== undefined) await retryTask(tx, task, { anew: false });
        });
        await closed(id);
        expect(await outcomes(id)).toEqual(at4({}));
      }),
  );

  test("does not know them is not found there, which is not the same as done", () =>
    at.hub.working(async () => {
      await known();
      at.platforms = at.platforms.map((one) => (one.connector === "klaviyo" ? simulateKlaviyo() : one));
      const id = await verified();
      await approve(id);
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({ klaviyo: "not_found" }));
      expect(destroyed("klaviyo")).toBe(0);
    }));

  test("takes it and never carries it out is left to somebody, and is asked once", () =>
    at.hub.working(async () => {
      await known();
      const id = await verified();
      await approve(id);
      await expect
        .poll(async () => (await outcomes(id))["klaviyo"], { timeout: 20_000 })
        .toBe("manual: not_confirmed");
      expect(destroyed("klaviyo")).toBe(1);
      expect((await show(id)).status).toBe("fulfilling");
      await byHand(id, "klaviyo", "done");
      await settledAs(id, "klaviyo", "done: by_hand");
    }));

  test("was given up on makes it fulfilled in part", () =>
    at.hub.working(async () => {
      await known();
      platform("mailchimp").fail({ status: 401 });
      const id = await verified();
      await approve(id);
      await settledAs(id, "mailchimp", "failed");
      await byHand(id, "mailchimp", "failed");
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({ mailchimp: "failed: given_up" }));
      expect((await show(id)).status).toBe("partly_fulfilled");
    }));
});

describe("a legal hold", () => {
  test("keeps an erasure from being approved, says why, and lets it go on when it is released", () =>
    at.hub.working(async () => {
      await known();
      const id = await verified();
      const { subject } = await show(id);
      await inController(async (tx) => {
        const held = await subjectById(tx, subject as SubjectId);
        if (held !== undefined) await placeHold(tx, held, "legal_claims", "CASE-17");
      });
      await expect(approve(id)).rejects.toThrow(/legal hold \(legal_claims, CASE-17\)/);
      expect(await show(id)).toMatchObject({ status: "verified", holds: [{ reference: "CASE-17" }] });
      await inController(async (tx) => {
        const held = await subjectById(tx, subject as SubjectId);
        if (held !== undefined) expect(await releaseRights(tx, held)).toBe(1);
      });
      await approve(id);
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({}));
    }));

  test("that is placed while it is under way keeps the hub's own records, and it goes on when it is released", () =>
    at.hub.working(async () => {
      await known();
      const id = await verified();
      const { subject } = await show(id);
      await approve(id);
      await inController(async (tx) => {
        const held = await subjectById(tx, subject as SubjectId);
        if (held !== undefined) await placeHold(tx, held, "legal_obligation", "TAX-2026");
      });
      await expect
        .poll(
          async () => {
            carriedOut();
            return (await show(id)).platforms.every(
              ({ status, connector }) => connector === null || !/open|asked/.test(status),
            );
          },
          { timeout: 20_000 },
        )
        .toBe(true);
      await untilQuiet();
      expect((await show(id)).status).toBe("fulfilling");
      await inController(async (tx) => {
        const held = await subjectById(tx, subject as SubjectId);
        if (held !== undefined) await releaseRights(tx, held);
      });
      await closed(id);
    }));
});

describe("Shopify's customers/redact, signed, at the hub's door", () => {
  beforeEach(() => at.hub.working(known));

  test("runs the same path to its end, on every platform, and nobody is written to", () =>
    at.hub.working(async () => {
      const customer = at.ids.get("shopify") ?? "";
      await at.shops.get("shopify")?.deliver({
        headers: {
          "x-shopify-topic": "customers/redact",
          "x-shopify-shop-domain": platform("shopify").account ?? "",
          "x-shopify-webhook-id": `redact-${customer}`,
          "x-shopify-api-version": "2026-07",
          "content-type": "application/json",
        },
        body: `{"shop_id":954889,"shop_domain":"${platform("shopify").account}","customer":{"id":${customer},"email":"${EMAIL}","phone":null},"orders_to_redact":[]}`,
      });
      await expect.poll(async () => (await requests()).length, { timeout: 10_000 }).toBe(1);
      const [id = ""] = await requests();
      await closed(id);
      expect(await show(id)).toMatchObject({
        ...{
          source: "platform",
          regime: "platform",
          verification: "platform",
          status: "fulfilled",
          notices: [],
        },
        moves: [
          { to: "received", actor: "platform:shopify" },
          { to: "verified", actor: "platform:shopify", reason: "platform" },
          { to: "approved", actor: "hub", reason: "asked_by_platform" },
          { to: "fulfilling" },
          { to: "fulfilled" },
        ],
      });
      expect(await outcomes(id)).toEqual(at4({}));
      for (const { connector, has } of at.platforms) expect(has(at.ids.get(connector) ?? "")).toBe(false);
    }));
});

async function requests(): Promise<string[]> {
  const rows = await at.hub.byHand<{ id: string }>(
    "select id from rights_request where controller_id = $1",
    at.controllerId,
  );
  return rows.map(({ id }) => id);
}

/** Somebody does it there by hand, or gives it up. */
async function byHand(id: string, name: string, outcome: "done" | "failed"): Promise<void> {
  const keys = await keysOf();
  await inController(async (tx) => {
    const request = await lockRequest(tx, id);
    const [named] = (await tasksOf(tx, { requests: [id] })).filter(({ connector }) => connector === name);
    const task = named && (await findTask(tx, named.id));
    if (request === undefined || task === undefined) throw new Error("no task");
    const note = sealNote(keys, at.controllerId, task.id, "seen in the app, TICKET-1");
    await completeTask(tx, request, task, outcome, { actor: "operator", note });
    await announceSettled(tx, request.id);
  });
}
