import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isEcho, type Mark, type SentChange, SKEW } from "./echo.ts";
import type { Direction } from "./state.ts";

const MINUTE = 60_000;
const at = (state: Direction, minutes: number, landed = true): SentChange => ({
  ...{ state, at: minutes * MINUTE, landed },
});
const nobody = { there: [], anywhere: [] };
const chose = (there: Mark[], anywhere: Mark[] = there) => ({ there, anywhere });

describe("a platform's report", () => {
  test("of the change that we sent is its echo", () => {
    expect(isEcho(at("withdrawn", 10.1), [at("withdrawn", 10)], nobody)).toBe(true);
  });

  test("of something else, or where we sent nothing, is a choice", () => {
    expect(isEcho(at("granted", 10.1), [at("withdrawn", 10)], nobody)).toBe(false);
    expect(isEcho(at("withdrawn", 10), [], nobody)).toBe(false);
  });

  test("from before our change, or from long after it, is a choice", () => {
    expect(isEcho(at("withdrawn", 9), [at("withdrawn", 10)], nobody)).toBe(false);
    expect(isEcho(at("withdrawn", 75), [at("withdrawn", 10)], nobody)).toBe(false);
  });

  test("is an echo of the last change that was sent before, not of an earlier one", () => {
    const sent = [at("granted", 10), at("withdrawn", 20)];
    expect(isEcho(at("granted", 25), sent, nobody)).toBe(false);
    expect(isEcho(at("withdrawn", 25), sent, nobody)).toBe(true);
    expect(isEcho(at("granted", 15), sent, nobody)).toBe(true);
  });

  test("that comes late is known by when the platform says it was", () => {
    const sent = [at("granted", 10), at("withdrawn", 40)];
    expect(isEcho(at("granted", 10.02), sent, nobody)).toBe(true);
  });

  test("is an echo when it is the platform's clock that runs behind, or cuts its seconds off", () => {
    const sent = [{ state: "withdrawn", at: 10 * MINUTE + 900, landed: true }] as const;
    expect(isEcho({ state: "withdrawn", at: 10 * MINUTE }, sent, nobody)).toBe(true);
  });

  test("of either of two changes that were sent at about the same time is an echo: which came last, nobody can tell", () => {
    const sent = [at("granted", 10), { state: "withdrawn" as const, at: 10 * MINUTE + 1_000, landed: true }];
    for (const state of ["granted", "withdrawn"] as const)
      expect(isEcho({ state, at: 10 * MINUTE + 500 }, sent, nobody)).toBe(true);
  });
});

describe("between our change and a platform's report, the person may have chosen", () => {
  test("there: then the report is of a choice, and not our echo", () => {
    expect(isEcho(at("withdrawn", 30), [at("withdrawn", 10)], chose([at("granted", 20)]))).toBe(false);
    expect(isEcho(at("granted", 30), [at("granted", 10)], chose([at("withdrawn", 20)]))).toBe(false);
    expect(isEcho(at("withdrawn", 30), [at("withdrawn", 25)], chose([at("granted", 20)]))).toBe(true);
  });

  test("to consent, elsewhere: then an opt-out that follows counts, because it may not be ours", () => {
    const elsewhere = chose([], [at("granted", 20)]);
    expect(isEcho(at("withdrawn", 30), [at("withdrawn", 10)], elsewhere)).toBe(false);
    expect(isEcho(at("granted", 30), [at("granted", 10)], chose([], [at("withdrawn", 20)]))).toBe(true);
  });

  test("and where that is in doubt, an opt-out counts as chosen, and a grant does not", () => {
    const soon = (state: Direction) => ({ state, at: 10 * MINUTE + 1_000 });
    expect(isEcho(at("withdrawn", 10.1), [at("withdrawn", 10)], chose([soon("granted")]))).toBe(false);
    expect(isEcho(at("granted", 10.1), [at("granted", 10)], chose([soon("withdrawn")]))).toBe(true);
  });
});

describe("a grant that we sent and that the platform has not shown yet", () => {
  const sent = [at("granted", 10, false), at("withdrawn", 11)];

  test("may come into effect late, after an opt-out that we sent: it is nobody's choice", () => {
    expect(isEcho(at("granted", 12), sent, nobody)).toBe(true);
    expect(isEcho(at("granted", 600), sent, nobody)).toBe(true);
    expect(isEcho(at("granted", 12), [at("granted", 10), at("withdrawn", 11)], nobody)).toBe(false);
  });

  test("but not after the person opted out there themselves", () => {
    expect(isEcho(at("granted", 12), sent, chose([at("withdrawn", 11.5)]))).toBe(false);
  });
});

const change = fc.record({
  state: fc.constantFrom<Direction>("granted", "withdrawn"),
  at: fc.integer({ min: 0, max: 3 * MINUTE }),
  landed: fc.boolean(),
});

describe("whatever was sent", () => {
  test("what was last sent comes back as an echo, however the clocks differ within the skew", () => {
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -SKEW, max: SKEW }),
        (sent, drift) => {
          const last = sent.reduce((a, b) => (b.at > a.at ? b : a));
          expect(isEcho({ state: last.state, at: last.at + drift }, sent, nobody)).toBe(true);
        },
      ),
      { seed: 4, numRuns: 1_000 },
    );
  });

  test("a report to a state that was never sent is never an echo, and the order of sending makes no difference", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), change, (sent, report) => {
        const others = sent.filter(({ state }) => state !== report.state);
        expect(isEcho(report, others, nobody)).toBe(false);
        expect(isEcho(report, sent.toReversed(), nobody)).toBe(isEcho(report, sent, nobody));
      }),
      { seed: 4, numRuns: 1_000 },
    );
  });
});
