import { beforeEach, describe, expect, test } from "vitest";
import type { ControllerTransaction } from "#database";
import { subjectById } from "#identity";
import { findTask, placeHold } from "#rights";
import type { RightsRequestId } from "#schemas";
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
import { openRightsDesk } from "../../test/support/rights-requests.ts";
import { approveRights, releaseRights, retryTask, verifyRights } from "./index.ts";

useFourPlatforms();

const desk = () => openRightsDesk(at.hub.rooms, at.controllerId, EMAIL);
const show = (id: RightsRequestId) => desk().show(id);
const erasure = () => desk().approved({ kind: "erasure" });

const outcomes = (id: RightsRequestId) => desk().outcomes(id);
const at4 = (outcome: Record<string, string>) => ({
  ...{ shopify: "done_verified", mailchimp: "done_verified", klaviyo: "retained", customerio: "retained" },
  ...{ hub: "done_verified", ...outcome },
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
const closed = (id: RightsRequestId) =>
  expect
    .poll(
      async () => {
        carriedOut();
        return (await show(id)).closedAt;
      },
      { timeout: 20_000 },
    )
    .not.toBeNull();
const settledAs = (id: RightsRequestId, name: string, outcome: string) =>
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
      const id = await erasure();
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
        ["rights.verified", "operator", "in_person"],
        ["rights.approved", "operator", null],
        ["rights.fulfilling", "hub", null],
        ["rights.fulfilled", "hub", null],
        ["rights.told", "hub", null],
      ]);
    }));
});

const FAULTS: readonly (readonly [platform: string, fault: Fault])[] = [
  ["mailchimp", { status: 500 }],
  ["klaviyo", { status: 429 }],
  ["customerio", "cut"],
];

describe("a platform that", () => {
  test("answers 500, or 429, or breaks every connection, for ever, has failed, and the request stays open until somebody saw to it", () =>
    at.hub.working(async () => {
      await known();
      for (const [name, fault] of FAULTS) platform(name).fail(fault);
      const id = await erasure();
      const failed = Object.fromEntries(FAULTS.map(([name]) => [name, "failed"]));
      await expect
        .poll(
          () => {
            carriedOut();
            return outcomes(id);
          },
          { timeout: 20_000 },
        )
        .toEqual(at4({ ...failed, hub: "open" }));
      expect(await show(id)).toMatchObject({ status: "fulfilling", waiting: FAULTS.length });
      for (const [name] of FAULTS) expect((await desk().taskAt(name, id)).error).toMatch(/^platform\//);
      // Nothing that the hub knows them by is gone before that: it is needed to try again.
      for (const [name] of FAULTS) {
        platform(name).fail();
        await desk().act(id, async (tx, request) => {
          const task = await findTask(tx, (await desk().taskAt(name, id)).id);
          if (task !== undefined) await retryTask(tx, request, task, { anew: false });
        });
      }
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({}));
    }));

  test("does not know them is not found there, which is not the same as done", () =>
    at.hub.working(async () => {
      await known();
      at.platforms = at.platforms.map((one) => (one.connector === "klaviyo" ? simulateKlaviyo() : one));
      const id = await erasure();
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({ klaviyo: "not_found" }));
      expect(destroyed("klaviyo")).toBe(0);
    }));

  test("takes it and never carries it out is left to somebody, and is asked once", () =>
    at.hub.working(async () => {
      await known();
      const id = await erasure();
      await expect
        .poll(async () => (await outcomes(id))["klaviyo"], { timeout: 20_000 })
        .toBe("manual not_confirmed");
      expect(destroyed("klaviyo")).toBe(1);
      expect((await show(id)).status).toBe("fulfilling");
      await desk().byHand(id, "klaviyo", "done");
      await settledAs(id, "klaviyo", "done by_hand");
    }));

  test("was given up on makes it fulfilled in part", () =>
    at.hub.working(async () => {
      await known();
      platform("mailchimp").fail({ status: 401 });
      const id = await erasure();
      await settledAs(id, "mailchimp", "failed");
      await desk().byHand(id, "mailchimp", "failed");
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({ mailchimp: "failed given_up" }));
      expect((await show(id)).status).toBe("partly_fulfilled");
      // What is closed is closed: it looks no better afterwards.
      await expect(desk().byHand(id, "mailchimp", "done")).rejects.toThrow(/task is failed/);
      expect(await outcomes(id)).toEqual(at4({ mailchimp: "failed given_up" }));
    }));
});

/** The subject that a request is about, for what is done to it. */
const held = (id: RightsRequestId, act: (tx: ControllerTransaction, who: HeldSubject) => Promise<unknown>) =>
  desk().act(id, async (tx, { subjectId }) => {
    const subject = await subjectById(tx, subjectId ?? "");
    if (subject === undefined) throw new Error("nobody");
    await act(tx, subject);
  });
type HeldSubject = Parameters<typeof placeHold>[1];

describe("a legal hold", () => {
  test("keeps an erasure from being approved, says why, and lets it go on when it is released", () =>
    at.hub.working(async () => {
      await known();
      const id = await desk().open({ kind: "erasure" });
      await desk().until(id, "verifying");
      await desk().act(id, (tx, request, keys) =>
        verifyRights(tx, keys, request, "document", { actor: "operator" }),
      );
      const approve = () =>
        desk().act(id, (tx, request) => approveRights(tx, request, { actor: "operator" }));
      await held(id, (tx, who) => placeHold(tx, who, "legal_claims", "CASE-17"));
      await expect(approve()).rejects.toThrow(/legal hold \(legal_claims, CASE-17\)/);
      expect(await show(id)).toMatchObject({ status: "verified", holds: [{ reference: "CASE-17" }] });
      await held(id, releaseRights);
      await approve();
      await closed(id);
      expect(await outcomes(id)).toEqual(at4({}));
    }));

  test("that is placed while it is under way keeps the hub's own records, and it goes on when it is released", () =>
    at.hub.working(async () => {
      await known();
      const id = await erasure();
      await held(id, (tx, who) => placeHold(tx, who, "legal_obligation", "TAX-2026"));
      await expect
        .poll(
          async () => {
            carriedOut();
            const { platforms } = await show(id);
            return platforms.every(
              ({ status, connector }) => connector === null || !/open|asked/.test(status),
            );
          },
          { timeout: 20_000 },
        )
        .toBe(true);
      await untilQuiet();
      expect((await show(id)).status).toBe("fulfilling");
      await held(id, releaseRights);
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
      const [id] = await requests();
      if (id === undefined) throw new Error("no request");
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

async function requests(): Promise<RightsRequestId[]> {
  const rows = await at.hub.byHand<{ id: RightsRequestId }>(
    "select id from rights_request where controller_id = $1",
    at.controllerId,
  );
  return rows.map(({ id }) => id);
}
