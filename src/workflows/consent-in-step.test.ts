import { describe, expect, test } from "vitest";
import { reopenPushes } from "#consent";
import type { PushId } from "#schemas";
import {
  all,
  at,
  audited,
  choose,
  connectAll,
  consents,
  EMAIL,
  held,
  heldByAll,
  known,
  ledger,
  outcomes,
  PURPOSE,
  platform,
  pushes,
  secondsPass,
  sendWebhooks,
  untilQuiet,
  useFourPlatforms,
} from "../../test/support/four-platforms.ts";
import { announcePushes } from "./index.ts";

useFourPlatforms();

describe("whoever unsubscribes on one platform", () => {
  test("is unsubscribed on all others, which is verified, on the audit log, and comes back as an echo", async () => {
    await at.hub.working(async () => {
      await known();
      await secondsPass();
      choose("mailchimp", "withdrawn");
      await untilQuiet();
    });
    expect(heldByAll()).toEqual(all("withdrawn"));
    for (const name of ["shopify", "klaviyo", "customerio"])
      expect((await outcomes())[name]).toMatchObject({ state: "withdrawn", status: "done_verified" });
    // Mailchimp itself is changed in nothing; it may be asked, because a change of ours there was a moment ago.
    expect(platform("mailchimp").requests.filter(({ method }) => method !== "GET")).toEqual([]);
    const records = await consents();
    const withdrawn = records.filter(({ state, purpose }) => state === "withdrawn" && purpose === PURPOSE);
    expect(withdrawn.filter(({ nature }) => nature === "expressed")).toHaveLength(1);
    expect(withdrawn.filter(({ nature }) => nature === "echo").length).toBeGreaterThanOrEqual(3);
    const logged = (await audited("consent.pushed")).map(({ facts }) => facts);
    for (const connector of ["shopify", "klaviyo", "customerio"])
      expect(logged).toContainEqual({
        ...{ connector, purpose: PURPOSE, state: "withdrawn", outcome: "done_verified" },
      });
  });

  test("is unsubscribed at once where at.platforms answer, and later where one was down", async () => {
    await at.hub.working(async () => {
      await known();
      platform("klaviyo").fail({ status: 503 });
      choose("shopify", "withdrawn");
      await sendWebhooks();
      await expect
        .poll(async () => [held("mailchimp"), held("customerio")])
        .toEqual(["withdrawn", "withdrawn"]);
      await expect
        .poll(async () => (await outcomes()).klaviyo)
        .toMatchObject({
          status: "open",
          error: expect.stringContaining("platform/unavailable"),
        });
      expect(held("klaviyo")).toBe("granted");
      platform("klaviyo").fail();
      await untilQuiet();
    });
    expect(held("klaviyo")).toBe("withdrawn");
  });

  test("ends as failed where a platform never comes back: visible, and to be tried again", async () => {
    await at.hub.working(async () => {
      await known();
      platform("customerio").fail("cut");
      choose("mailchimp", "withdrawn");
      await untilQuiet();
      const failed = (await outcomes()).customerio;
      expect(failed).toMatchObject({
        status: "failed",
        error: expect.stringContaining("platform/unavailable"),
        settledAt: expect.any(String),
      });
      expect((await audited("consent.pushed")).map(({ facts }) => facts.error)).toContain(
        "platform/unavailable",
      );
      platform("customerio").fail();
      const again = await at.hub.rooms.database.inController(at.controllerId, async (tx) => {
        const reopened = await reopenPushes(tx, [failed?.id as PushId]);
        await announcePushes(tx, reopened);
        return reopened.length;
      });
      expect(again).toBe(1);
      await untilQuiet();
    });
    expect((await outcomes()).customerio).toMatchObject({ status: "done_verified" });
    expect(held("customerio")).toBe("withdrawn");
  });

  test("who changes their mind while a platform is down arrives there with the last choice only", async () => {
    await at.hub.working(async () => {
      await known();
      await secondsPass();
      platform("shopify").fail({ status: 500 });
      choose("klaviyo", "withdrawn");
      await sendWebhooks();
      await expect.poll(async () => (await outcomes()).shopify?.attempts).toBeGreaterThan(0);
      await secondsPass();
      choose("klaviyo", "granted");
      await sendWebhooks();
      await expect.poll(ledger).toBe("granted");
      platform("shopify").requests.length = 0;
      platform("shopify").fail();
      await untilQuiet();
    });
    expect(held("shopify")).toBe("granted");
    expect(platform("shopify").requests.filter(({ body }) => body.includes("mutation"))).toEqual([]);
  });

  test("a platform that asks for patience is given it", async () => {
    let asked = 0;
    await at.hub.working(async () => {
      await known();
      platform("shopify").fail({ status: 429, retryAfter: "2" });
      choose("mailchimp", "withdrawn");
      await sendWebhooks();
      await expect.poll(() => platform("shopify").requests.length).toBe(1);
      asked = Date.now();
      platform("shopify").fail();
      await untilQuiet();
    });
    expect(held("shopify")).toBe("withdrawn");
    expect((await outcomes()).shopify).toMatchObject({ status: "done_verified", attempts: 2 });
    expect(Date.now() - asked).toBeGreaterThan(1_500);
  });
});

describe("a platform that comes to know somebody late", () => {
  test("is told that they have opted out", async () => {
    const id = at.ids.get("shopify") ?? "";
    await at.hub.working(async () => {
      choose("mailchimp", "withdrawn");
      await untilQuiet();
      expect(platform("shopify").requests).toEqual([]);
      await at.shops
        .get("shopify")
        ?.send("customers-create", (body) =>
          body.replaceAll("bob@example.com", EMAIL).replaceAll("706405506930370084", id),
        );
      await untilQuiet();
    });
    expect(held("shopify")).toBe("withdrawn");
    expect((await outcomes())["shopify"]).toMatchObject({ state: "withdrawn", status: "done_verified" });
  });

  test("by nothing but an address, is found by that address, which is kept no longer than it takes", async () => {
    await at.hub.working(async () => {
      const cleaned = new URLSearchParams({
        ...{ type: "cleaned", fired_at: "2026-11-20 09:15:00", "data[list_id]": "a6b5da1054" },
        ...{ "data[email]": EMAIL, "data[reason]": "hard" },
      });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      await at.shops.get("mailchimp")?.deliver({ headers, body: cleaned.toString() });
      await untilQuiet();
      choose("shopify", "withdrawn");
      await untilQuiet();
    });
    expect(held("mailchimp")).toBe("withdrawn");
    const kept = await at.hub.byHand("select from consent_contact where controller_id = $1", at.controllerId);
    expect(kept).toEqual([]);
  });
});

describe("a platform that changes more than it was asked to", () => {
  test("does not make choices of what nobody chose: a report of all preferences repeats the old ones", async () => {
    await connectAll({}, { repeats: true });
    await at.hub.working(async () => {
      await known();
      await secondsPass();
      choose("customerio", "withdrawn", "sms_marketing");
      choose("customerio", "withdrawn");
      await untilQuiet();
      await secondsPass();
      // Both again, at once, elsewhere: the echo of the one repeats what the other was until a moment ago.
      choose("shopify", "granted");
      choose("shopify", "granted", "sms_marketing");
      await untilQuiet();
    });
    expect([await ledger(), await ledger("sms_marketing")]).toEqual(["granted", "granted"]);
    expect([held("customerio"), held("customerio", "sms_marketing")]).toEqual(["granted", "granted"]);
  });

  test("is said to, where it only knows everything or nothing", async () => {
    await connectAll({}, { channels: [] });
    await at.hub.working(async () => {
      await known();
      await secondsPass();
      choose("shopify", "granted", "sms_marketing");
      await untilQuiet();
      await secondsPass();
      choose("mailchimp", "withdrawn");
      await untilQuiet();
    });
    expect([await ledger(), await ledger("sms_marketing")]).toEqual(["withdrawn", "granted"]);
    expect([held("shopify"), held("shopify", "sms_marketing")]).toEqual(["withdrawn", "granted"]);
    // There, nothing can be sent to them any more, and only a person can tell whether that is right.
    const push = (await pushes()).find(
      (one) => one.connector === "customerio" && one.purpose === "sms_marketing",
    );
    expect(push).toMatchObject({ state: "granted", status: expect.stringMatching(/manual|failed/) });
  });
});
