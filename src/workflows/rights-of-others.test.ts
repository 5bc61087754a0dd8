import { beforeEach, describe, expect, test, vi } from "vitest";
import { listActivities } from "#activities";
import { findTask } from "#rights";
import type { RightsRequestId } from "#schemas";
import {
  all,
  at,
  audited,
  choose,
  consents,
  EMAIL,
  held,
  heldByAll,
  known,
  ledger,
  platform,
  pushes,
  secondsPass,
  untilQuiet,
  useFourPlatforms,
} from "../../test/support/four-platforms.ts";
import { openRightsDesk, type RightsDesk } from "../../test/support/rights-requests.ts";
import { liftRights, retryTask } from "./index.ts";

// Platforms tell time to the second, so that some of these wait for it again and again.
vi.setConfig({ testTimeout: 60_000 });
useFourPlatforms();

let desk: RightsDesk;
beforeEach(() => {
  desk = openRightsDesk(at.hub.rooms, at.controllerId, EMAIL);
});

/** A task's platform is looked at until its pushes have ended: for ten seconds, often. */
const PATIENT = { readBackAfter: Array.from({ length: 200 }, () => 50) };
/** Until nothing is under way any more: what is left over would reach the next test's people, who have the same address. */
const working = (test: () => Promise<void>) => () =>
  at.hub.working(() => test().then(() => untilQuiet()), PATIENT);

const activities = async () =>
  (await at.hub.rooms.database.inController(at.controllerId, (tx) => listActivities(tx, { limit: 1_000 })))
    .length;

describe("an objection", () => {
  test(
    "withdraws everywhere what the person had agreed to; each task ends as its pushes did",
    working(async () => {
      await known();
      await secondsPass();
      const id = await desk.approved({ kind: "objection" });
      await desk.until(id, "fulfilled");
      expect(heldByAll()).toEqual(all("withdrawn"));
      expect(await ledger()).toBe("withdrawn");
      const withdrawals = (await consents()).filter(({ evidence }) => evidence === `rights:${id}`);
      expect(new Set(withdrawals.map(({ purpose }) => purpose))).toContain("sale_or_sharing");
      expect(withdrawals.every(({ state, method }) => state === "withdrawn" && method === "in_writing")).toBe(
        true,
      );
      const emails = (await pushes()).filter(
        ({ purpose, state }) => purpose === "email_marketing" && state === "withdrawn",
      );
      expect(emails.map(({ connector }) => connector).toSorted()).toEqual(
        at.platforms.map(({ connector }) => connector).toSorted(),
      );
      for (const { connector, status } of emails)
        expect([connector, (await desk.taskAt(connector, id)).status]).toEqual([connector, status]);
      expect(await audited("rights.task")).toHaveLength(5);
    }),
  );

  test(
    "at a platform that is down fails there, is left open, and is tried again by hand",
    working(async () => {
      await known();
      await secondsPass();
      platform("klaviyo").fail({ status: 500 });
      const id = await desk.approved({ kind: "objection" });
      await expect
        .poll(async () => (await desk.taskAt("klaviyo", id).catch(() => undefined))?.status, {
          timeout: 15_000,
        })
        .toBe("failed");
      expect((await desk.taskAt("klaviyo", id)).error).toMatch(/^platform\/unavailable: /);
      expect((await desk.show(id)).status).toBe("fulfilling");
      platform("klaviyo").fail();
      const { id: task } = await desk.taskAt("klaviyo", id);
      await desk.act(id, async (tx, request) => {
        const failed = await findTask(tx, task, { lock: true });
        if (failed !== undefined) await retryTask(tx, request, failed, { anew: false });
      });
      await desk.until(id, "fulfilled");
      expect(heldByAll()).toEqual(all("withdrawn"));
    }),
  );

  test(
    "of somebody whom nobody knows is fulfilled, with nothing to be done anywhere",
    working(async () => {
      const id = await desk.approved({ kind: "objection" });
      await desk.until(id, "fulfilled");
      expect(await desk.outcomes(id)).toEqual({ hub: "done" });
      expect(await pushes()).toEqual([]);
    }),
  );

  test(
    "withholds what rests on consent or legitimate interests, and nothing that a contract needs",
    working(async () => {
      await known();
      await secondsPass();
      await desk.until(await desk.approved({ kind: "objection" }), "fulfilled");
      await untilQuiet();
      const before = await activities();
      const withheld = (await audited("activity.withheld")).length;
      await secondsPass();
      choose("mailchimp", "granted");
      await untilQuiet();
      expect((await audited("activity.withheld")).length).toBeGreaterThan(withheld);
      const shop = at.shops.get("shopify");
      await shop?.send("customers-update", (body) =>
        JSON.stringify({ ...JSON.parse(body), email: EMAIL, email_marketing_consent: null }),
      );
      await untilQuiet();
      expect(await activities()).toBeGreaterThan(before);
    }),
  );
});

const LEFT = "manual marketing_only";

describe("a restriction", () => {
  test(
    "stops everything: a later choice is recorded, brought nowhere, and no activity is; until it is lifted",
    working(async () => {
      await known();
      await secondsPass();
      const id = await desk.approved({ kind: "restriction" });
      // What an API can stop is marketing. Whether anything else goes on there is somebody's to see to.
      const left = { shopify: LEFT, mailchimp: LEFT, klaviyo: LEFT, customerio: LEFT };
      await expect.poll(() => desk.outcomes(id), { timeout: 15_000 }).toEqual({ ...left, hub: "open" });
      expect(heldByAll()).toEqual(all("withdrawn"));
      await untilQuiet();
      const [before, tried] = [await activities(), (await pushes()).length];
      const withheld = (await audited("activity.withheld")).length;

      await secondsPass();
      choose("mailchimp", "granted");
      await untilQuiet();
      expect(await ledger()).toBe("granted");
      expect(heldByAll()).toEqual({ ...all("withdrawn"), mailchimp: "granted" });
      expect(await activities()).toBe(before);
      expect(await pushes()).toHaveLength(tried);
      const [event] = (await audited("activity.withheld")).slice(withheld);
      expect(event).toMatchObject({ actor: "platform:mailchimp", facts: { activity: expect.any(String) } });

      const lift = () => desk.act(id, (tx, request) => liftRights(tx, request, { actor: "operator" }));
      expect(await lift()).toBe(true);
      expect(await lift()).toBe(false);
      expect(await audited("rights.lifted")).toHaveLength(1);
      // What they agreed to meanwhile is brought to the others now.
      await untilQuiet();
      expect(heldByAll()).toEqual(all("granted"));
      expect(await activities()).toBeGreaterThan(before);
    }),
  );
});

test(
  "of an objection and a restriction each stands until it is lifted itself",
  working(async () => {
    await known();
    const restricted = async () =>
      (
        await at.hub.byHand<{ restriction: string | null }>(
          "select restriction from subject where controller_id = $1",
          at.controllerId,
        )
      ).map(({ restriction }) => restriction);
    const lift = (id: RightsRequestId) =>
      desk.act(id, (tx, request) => liftRights(tx, request, { actor: "operator" }));
    const objection = await desk.approved({ kind: "objection" });
    await expect.poll(restricted).toEqual(["objection"]);
    const restriction = await desk.approved({ kind: "restriction" });
    await expect.poll(restricted).toEqual(["restriction"]);
    expect([await lift(restriction), await restricted()]).toEqual([true, ["objection"]]);
    expect([await lift(objection), await restricted()]).toEqual([true, [null]]);
    expect([await lift(restriction), await lift(objection)]).toEqual([false, false]);
  }),
);

describe("an opt-out of sale by the CCPA", () => {
  test(
    "needs no verification and no decision, and is honest about platforms that hold no such choice",
    working(async () => {
      await known();
      const id = await desk.open({ kind: "opt_out_of_sale", regime: "ccpa", source: "api", actor: "person" });
      await desk.until(id, "partly_fulfilled");
      expect(await desk.show(id)).toMatchObject({ verification: "not_required", acknowledgeBy: null });
      const moves = (await desk.show(id)).moves.map(({ to, actor, reason }) => [to, actor, reason]);
      expect(moves).toEqual([
        ["received", "person", "ccpa"],
        ["verified", "hub", "not_required"],
        ["approved", "hub", "nothing_to_decide"],
        ["fulfilling", "hub", null],
        ["partly_fulfilled", "hub", null],
      ]);
      const [current] = (await consents()).filter(({ purpose }) => purpose === "sale_or_sharing");
      expect(current).toMatchObject({ state: "withdrawn", evidence: `rights:${id}` });
      const none = "unsupported purpose_not_held";
      expect(await desk.outcomes(id)).toEqual({
        ...{ shopify: none, mailchimp: none, klaviyo: none, customerio: none, hub: "done" },
      });
      // Nothing else was touched.
      expect(heldByAll()).toEqual(all("granted"));
    }),
  );

  test(
    "reaches a list that the company has tied to it",
    working(async () => {
      await known();
      await at.hub.byHand(
        `update connection set purposes = '{"topic_7": "sale_or_sharing"}', revision = revision + 1
          where controller_id = $1 and connector = 'customerio'`,
        at.controllerId,
      );
      const id = await desk.open({ kind: "opt_out_of_sale", regime: "ccpa", source: "api", actor: "person" });
      await desk.until(id, "partly_fulfilled");
      expect((await desk.outcomes(id))["customerio"]).toMatch(/^done/);
      expect(
        platform("customerio")
          .requests.map(({ body }) => body)
          .join("\n"),
      ).toContain("topic_7");
      expect(held("customerio")).toBe("granted");
    }),
  );
});
