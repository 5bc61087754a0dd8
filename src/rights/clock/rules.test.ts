import { describe, expect, test } from "vitest";
import { RightsKind, RightsRegime } from "#schemas";
import type { Clock } from "./clock.ts";
import { rightToComplain } from "./complaint.ts";
import { remindersOf } from "./reminders.ts";
import { needsVerification } from "./rules.ts";

test("everybody is verified, but for who opts out of sale in California, and whom a platform speaks for", () => {
  const without = RightsRegime.options.flatMap((regime) =>
    RightsKind.options.filter((kind) => !needsVerification(regime, kind)).map((kind) => `${regime} ${kind}`),
  );
  expect(without).toEqual(["ccpa opt_out_of_sale", ...RightsKind.options.map((kind) => `platform ${kind}`)]);
});

test("a refusal says in one sentence where to complain of it", () => {
  const said = RightsRegime.options.map(rightToComplain);
  for (const [i, authority] of [
    "data protection authority",
    "Information Commissioner",
    "California Privacy Protection Agency",
    "Data Protection Board of India",
    "data protection authority",
  ].entries())
    expect(said[i]).toContain(authority);
  for (const sentence of said) expect(sentence).toMatch(/^You .*[^.]\.$/);
});

describe("reminders", () => {
  const clock: Clock = {
    startsAt: "2026-03-20T10:00:00.000Z",
    acknowledgeBy: "2026-04-03T21:59:59.999Z",
    answerBy: "2026-04-05T21:59:59.999Z",
    extensionUntil: null,
    extendBefore: null,
    paused: false,
    mayPause: false,
    mayExtend: false,
  };
  const of = (change: Partial<Clock> = {}, acknowledged = false) =>
    remindersOf({ ...clock, ...change }, { acknowledged, timeZone: "Europe/Berlin" }).map(
      ({ at, what, daysLeft }) => `${at} ${what} ${daysLeft}`,
    );

  test("come at nine in the morning there, in summer time and before it, and the millisecond after", () => {
    expect(of()).toEqual([
      "2026-03-29T07:00:00.000Z answer 7",
      "2026-04-02T07:00:00.000Z acknowledge 1",
      "2026-04-03T22:00:00.000Z acknowledge 0",
      "2026-04-04T07:00:00.000Z answer 1",
      "2026-04-05T22:00:00.000Z answer 0",
    ]);
    expect(of({ answerBy: "2026-04-04T21:59:59.999Z" })).toContain("2026-03-28T08:00:00.000Z answer 7");
  });

  test("of an acknowledgement that was sent do not come, nor any of a clock that stands still or has not started", () => {
    expect(of({}, true)).toEqual(of().filter((text) => !text.includes("acknowledge")));
    expect(of({ answerBy: null, paused: true }, true)).toEqual([]);
    expect(of({ startsAt: null, answerBy: null })).toEqual([]);
  });

  test("that would lie before the start do not come", () => {
    expect(of({ startsAt: "2026-04-04T08:00:00.000Z" }, true)).toEqual(["2026-04-05T22:00:00.000Z answer 0"]);
  });
});
