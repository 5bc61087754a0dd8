import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isEcho, type SentChange, SKEW } from "./echo.ts";
import type { Direction } from "./state.ts";

const MINUTE = 60_000;
const at = (state: Direction, minutes: number): SentChange => ({ state, at: minutes * MINUTE });

describe("a platform's report", () => {
  test("of the change that we sent is its echo", () => {
    expect(isEcho(at("withdrawn", 10.1), [at("withdrawn", 10)])).toBe(true);
  });

  test("of something else, or where we sent nothing, is a choice", () => {
    expect(isEcho(at("granted", 10.1), [at("withdrawn", 10)])).toBe(false);
    expect(isEcho(at("withdrawn", 10), [])).toBe(false);
  });

  test("from before our change, or from long after it, is a choice", () => {
    expect(isEcho(at("withdrawn", 9), [at("withdrawn", 10)])).toBe(false);
    expect(isEcho(at("withdrawn", 75), [at("withdrawn", 10)])).toBe(false);
  });

  test("is an echo of the last change that was sent before, not of an earlier one", () => {
    const sent = [at("granted", 10), at("withdrawn", 20)];
    expect(isEcho(at("granted", 25), sent)).toBe(false);
    expect(isEcho(at("withdrawn", 25), sent)).toBe(true);
    expect(isEcho(at("granted", 15), sent)).toBe(true);
  });

  test("that comes late is known by when the platform says it was", () => {
    const sent = [at("granted", 10), at("withdrawn", 40)];
    expect(isEcho(at("granted", 10.02), sent)).toBe(true);
  });

  test("is an echo when it is the platform's clock that runs behind, or cuts its seconds off", () => {
    const sent = [{ state: "withdrawn", at: 10 * MINUTE + 900 }] as const;
    expect(isEcho({ state: "withdrawn", at: 10 * MINUTE }, sent)).toBe(true);
  });

  test("of either of two changes that were sent at about the same time is an echo: which came last, nobody can tell", () => {
    const sent = [at("granted", 10), { state: "withdrawn" as const, at: 10 * MINUTE + 1_000 }];
    for (const state of ["granted", "withdrawn"] as const)
      expect(isEcho({ state, at: 10 * MINUTE + 500 }, sent)).toBe(true);
  });
});

const change = fc.record({
  state: fc.constantFrom<Direction>("granted", "withdrawn"),
  at: fc.integer({ min: 0, max: 3 * MINUTE }),
});

describe("whatever was sent", () => {
  test("what was last sent comes back as an echo, however the clocks differ within the skew", () => {
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -SKEW, max: SKEW }),
        (sent, drift) => {
          const last = sent.reduce((a, b) => (b.at > a.at ? b : a));
          expect(isEcho({ state: last.state, at: last.at + drift }, sent)).toBe(true);
        },
      ),
      { seed: 4, numRuns: 1_000 },
    );
  });

  test("a report to a state that was never sent is never an echo, and the order of sending makes no difference", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), change, (sent, report) => {
        const others = sent.filter(({ state }) => state !== report.state);
        expect(isEcho(report, others)).toBe(false);
        expect(isEcho(report, sent.toReversed())).toBe(isEcho(report, sent));
      }),
      { seed: 4, numRuns: 1_000 },
    );
  });
});
