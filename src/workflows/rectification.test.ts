import { beforeEach, describe, expect, test } from "vitest";
import { allSettled, completeTask, findTask, sealNote } from "#rights";
import {
  at,
  EMAIL,
  known,
  platform,
  untilQuiet,
  useFourPlatforms,
} from "../../test/support/four-platforms.ts";
import { openRightsDesk, type RightsDesk } from "../../test/support/rights-requests.ts";
import { announceSettled } from "./index.ts";

useFourPlatforms();

let desk: RightsDesk;
beforeEach(() => {
  desk = openRightsDesk(at.hub.rooms, at.controllerId, EMAIL);
});

/** Until nothing is under way any more: what is left over would reach the next test's people, who have the same address. */
const working = (test: () => Promise<void>) => () => at.hub.working(() => test().then(() => untilQuiet()));

describe("a rectification", () => {
  const sentTo = (connector: string) =>
    platform(connector)
      .requests.map(({ body }) => body)
      .join("\n");

  test(
    "is carried out on all four platforms, through their APIs",
    working(async () => {
      await known();
      const corrections = { email: "jennifer@example.com" };
      const id = await desk.approved({ kind: "rectification", details: { corrections } });
      await desk.until(id, "fulfilled");
      expect(await desk.outcomes(id)).toEqual({
        ...{ shopify: "done_verified", mailchimp: "done_verified", klaviyo: "done_verified" },
        // It took it, and does not say what it holds now.
        ...{ customerio: "done", hub: "done" },
      });
      for (const { connector } of at.platforms) expect(sentTo(connector)).toContain("jennifer@example.com");
      await expect
        .poll(async () => (await desk.show(id)).notices.map(({ status }) => status))
        .toEqual(["nobody"]);
      const left = () =>
        at.hub.byHand("select from rights_request where details is not null or contact is not null");
      // In the step after the message that was nobody's to have.
      await expect.poll(left).toEqual([]);
    }),
  );

  test(
    "of what an API cannot set is left to somebody, and fulfilled once they have confirmed it",
    working(async () => {
      await known();
      const corrections = { givenName: "Jennifer", phone: "+16135550199" };
      const id = await desk.approved({ kind: "rectification", details: { corrections } });
      const done = "done_verified";
      const settled = { shopify: done, mailchimp: done, klaviyo: done };
      await expect
        .poll(() => desk.outcomes(id), { timeout: 15_000 })
        .toEqual({ ...settled, customerio: "manual fields_unsupported", hub: "open" });
      for (const connector of Object.keys(settled))
        expect(sentTo(connector)).toMatch(/Jennifer.*\+16135550199|\+16135550199.*Jennifer/);
      expect(await desk.show(id)).toMatchObject({ status: "fulfilling", waiting: 1 });

      const { id: task } = await desk.taskAt("customerio", id);
      await desk.act(id, async (tx, request, keys) => {
        const left = await findTask(tx, task, { lock: true });
        if (left === undefined) throw new Error("no task");
        const note = sealNote(keys, tx.controllerId, task, "corrected there, TICKET-12");
        await completeTask(tx, request, left, { outcome: "done" }, { actor: "operator", note });
        expect(await allSettled(tx, id)).toBe(true);
        await announceSettled(tx, id);
      });
      await desk.until(id, "fulfilled");
      expect(await desk.taskAt("customerio", id)).toMatchObject({
        ...{ status: "done", reason: "by_hand", actor: "operator", note: "corrected there, TICKET-12" },
      });
    }),
  );

  test(
    "of somebody whom a platform does not have changes nothing there",
    working(async () => {
      const details = { emails: ["stranger@example.com"], corrections: { givenName: "Jennifer" } };
      const id = await desk.approved({ kind: "rectification", details });
      await desk.until(id, "fulfilled");
      const none = "not_found";
      expect(await desk.outcomes(id)).toEqual({
        ...{ shopify: none, mailchimp: none, klaviyo: none, customerio: none, hub: "done" },
      });
      for (const { connector } of at.platforms) expect(sentTo(connector)).not.toContain("Jennifer");
    }),
  );
});
