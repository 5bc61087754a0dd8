import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  all,
  at,
  calls,
  choose,
  connectAll,
  heldByAll,
  known,
  ledger,
  outcomes,
  secondsPass,
  sendWebhooks,
  untilQuiet,
  useFourPlatforms,
} from "../../test/support/four-platforms.ts";

useFourPlatforms();

/** What people do on four at.platforms, and how the network carries it. */
const scenario = fc.record({
  choices: fc.array(
    fc.record({
      where: fc.nat({ max: 3 }),
      state: fc.constantFrom("granted" as const, "withdrawn" as const),
      /** Milliseconds until the next. */
      pause: fc.constantFrom(0, 0, 30, 400, 2_300),
      /** Webhooks that get through before it. */
      webhooks: fc.nat({ max: 3 }),
    }),
    { minLength: 3, maxLength: 6 },
  ),
  picks: fc.array(fc.nat({ max: 5 }), { minLength: 5, maxLength: 11 }),
  /** Milliseconds that Klaviyo takes for what it accepted. */
  delay: fc.constantFrom(0, 0, 300),
});

describe("people who change their minds at random, on four platforms at once", () => {
  test.each(
    fc
      .sample(scenario, {
        seed: Number(process.env.LETHE_TEST_SEED ?? 4),
        numRuns: Number(process.env.LETHE_TEST_RUNS ?? 3),
      })
      .map((one, n) => [n, one] as const),
  )(
    "leave all platforms agreed when all is quiet, after at most two calls a platform and choice (%i)",
    { timeout: 60_000 },
    async (_, { choices, picks, delay }) => {
      await connectAll({ delay });
      let turn = 0;
      const pick = (size: number) => (picks[turn++ % picks.length] ?? 0) % size;
      await at.hub.working(async () => {
        await known();
        await secondsPass();
        for (const { where, state, pause, webhooks } of choices) {
          choose(at.platforms[where]?.connector ?? "", state);
          await sendWebhooks(pick, webhooks);
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
        await untilQuiet(pick);
      });
      const agreed = await ledger();
      // Mailchimp lets nobody but the person come back who left there: it is told to a person, and is on the safe side.
      const refused = (await outcomes())["mailchimp"]?.reason === "confirmation_needed";
      const expected =
        refused && agreed === "granted"
          ? { ...all("granted"), mailchimp: "withdrawn" }
          : all(agreed ?? "granted");
      expect(heldByAll(), JSON.stringify({ choices, agreed })).toEqual(expected);
      expect(calls()).toBeLessThanOrEqual(2 * at.platforms.length * choices.length);
    },
  );
});
