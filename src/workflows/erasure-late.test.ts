import { describe, expect, test } from "vitest";
import type { RightsRequestId } from "#schemas";
import {
  at,
  EMAIL,
  known,
  platform,
  untilQuiet,
  useFourPlatforms,
} from "../../test/support/four-platforms.ts";
import { simulateKlaviyo } from "../../test/support/platforms/klaviyo.ts";
import { openRightsDesk } from "../../test/support/rights-requests.ts";

useFourPlatforms();

const desk = () => openRightsDesk(at.hub.rooms, at.controllerId, EMAIL);
/** Waits until it is so; platforms that take their time have done it by then. */
const until = (id: RightsRequestId, connector: string, outcome: string) =>
  expect
    .poll(
      async () => {
        for (const { finish } of at.platforms) finish?.();
        return (await desk().outcomes(id))[connector];
      },
      { timeout: 15_000 },
    )
    .toBe(outcome);

/** Somebody asks for an erasure that waits for a person at Mailchimp, and is known to the hub or not. */
async function waiting(): Promise<RightsRequestId> {
  platform("mailchimp").fail({ status: 401 });
  const id = await desk().approved({ kind: "erasure" });
  await until(id, "mailchimp", "failed");
  return id;
}

describe("an erasure that waits for somebody", () => {
  test("erases here, too, whom the hub came to know only meanwhile, and asks the platform that told of them", () =>
    at.hub.working(async () => {
      const id = await waiting();
      // Shopify had them, and has erased them; then they buy again.
      await until(id, "shopify", "done_verified");
      const again = platform("shopify").add({ email: EMAIL });
      platform("shopify").choose(again, "email_marketing", "granted");
      await untilQuiet();
      await desk().byHand(id, "mailchimp", "failed");
      await until(id, "hub", "done_verified");
      expect(platform("shopify").has(again)).toBe(false);
      const left = await at.hub.byHand(
        "select id from subject where controller_id = $1 and status <> 'erased' union all select subject_id from platform_reference where controller_id = $1",
        at.controllerId,
      );
      expect(left).toEqual([]);
    }));

  test("asks a platform again that did not know them, and has told of them since", () =>
    at.hub.working(async () => {
      await known();
      at.platforms = at.platforms.map((one) => (one.connector === "klaviyo" ? simulateKlaviyo() : one));
      const id = await waiting();
      await until(id, "klaviyo", "not_found");
      const profile = platform("klaviyo").add({ email: EMAIL });
      platform("klaviyo").choose(profile, "email_marketing", "granted");
      await untilQuiet();
      await desk().byHand(id, "mailchimp", "failed");
      await until(id, "hub", "done_verified");
      expect(await desk().outcomes(id)).toMatchObject({ klaviyo: "retained" });
      expect(platform("klaviyo").has(profile)).toBe(false);
    }));
});
