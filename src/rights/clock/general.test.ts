import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RightsKind, RightsRegime } from "#schemas";
import { type Clock, type ClockFacts, clockOf } from "./clock.ts";
import { isHoliday, knowsHolidays } from "./holidays.ts";
import { remindersOf } from "./reminders.ts";

const DAY = 86_400_000;
const SEED = { seed: 5, numRuns: 400 };

const zones = fc.constantFrom(
  ...["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata", "America/Havana"],
  ...["Asia/Beirut", "America/Santiago", "Pacific/Apia", "Pacific/Kiritimati", "America/St_Johns"],
);
const instants = fc
  .date({ min: new Date("2024-01-01"), max: new Date("2034-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString());
const facts: fc.Arbitrary<ClockFacts> = fc.record({
  regime: fc.constantFrom(...RightsRegime.options),
  kind: fc.constantFrom(...RightsKind.options),
  receivedAt: instants,
  pauses: fc.constant([]),
  extended: fc.boolean(),
  timeZone: zones,
  holidays: fc.constantFrom("US", "US-CA", "DE-BY", "GB-ENG", "IN"),
  dpdpDays: fc.integer({ min: 1, max: 120 }),
  platformDays: fc.option(fc.integer({ min: 1, max: 120 })),
});
const deadlines = ({ acknowledgeBy, answerBy, extensionUntil, extendBefore }: Clock) => [
  acknowledgeBy,
  answerBy,
  extensionUntil,
  extendBefore,
];
const plus = (instant: string, milliseconds: number) =>
  new Date(Date.parse(instant) + milliseconds).toISOString();
/** By `Intl`, which the clock does not count with: `YYYY-MM-DD`. */
const localDay = (instant: string, timeZone: string) =>
  new Intl.DateTimeFormat("en-CA", { timeZone }).format(new Date(instant));
const daysFrom = (a: string, b: string) => (Date.parse(b) - Date.parse(a)) / DAY;
const holds = <T>(of: fc.Arbitrary<T>, property: (value: T) => void) =>
  fc.assert(fc.property(of, property), SEED);

describe("whatever the request", () => {
  test("what comes later is due later, or at the same time, never earlier", () => {
    holds(fc.tuple(facts, fc.integer({ min: 0, max: 400 * DAY })), ([one, later]) => {
      const [a, b] = [
        deadlines(clockOf(one)),
        deadlines(clockOf({ ...one, receivedAt: plus(one.receivedAt, later) })),
      ];
      for (const [i, deadline] of a.entries())
        expect(deadline === null ? (b[i] ?? null) === null : deadline <= (b[i] ?? "")).toBe(true);
    });
  });

  test("a deadline is the last millisecond of a day there, and lies ahead", () => {
    holds(facts, (one) => {
      for (const deadline of deadlines(clockOf(one)))
        if (deadline !== null) {
          expect(localDay(deadline, one.timeZone)).not.toBe(localDay(plus(deadline, 1), one.timeZone));
          expect(deadline > one.receivedAt).toBe(true);
        }
    });
  });

  test("an extension never shortens, and reaches as far as it was said to", () => {
    holds(facts, (one) => {
      const [plain, extended] = [clockOf({ ...one, extended: false }), clockOf({ ...one, extended: true })];
      expect((extended.answerBy ?? "") >= (plain.answerBy ?? "")).toBe(true);
      expect(extended.answerBy).toBe(plain.extensionUntil ?? plain.answerBy);
      expect(extended.mayExtend).toBe(false);
      expect(plain.mayExtend).toBe(plain.extensionUntil !== null);
    });
  });

  test("no law gives more days than it says", () => {
    const most = { gdpr: 31, uk_gdpr: 31, ccpa: 45, dpdp: 90, platform: 120 };
    holds(facts, (one) => {
      const { answerBy } = clockOf({ ...one, extended: false });
      if (answerBy !== null)
        expect(
          daysFrom(localDay(one.receivedAt, one.timeZone), localDay(answerBy, one.timeZone)),
        ).toBeLessThanOrEqual(most[one.regime]);
    });
  });

  test("what is counted in business days ends on one", () => {
    holds(facts, (one) => {
      const { acknowledgeBy } = clockOf({ ...one, regime: "ccpa", kind: "access" });
      const day = localDay(acknowledgeBy ?? "", one.timeZone);
      expect([1, 2, 3, 4, 5]).toContain(new Date(day).getUTCDay());
      expect(isHoliday(day, one.holidays)).toBe(false);
    });
  });
});

describe("a pause", () => {
  const access = facts.map(
    (one) => ({ ...one, regime: "uk_gdpr", kind: "access", timeZone: "UTC" }) as const,
  );
  const moved = (one: ClockFacts, pauses: ClockFacts["pauses"]) =>
    daysFrom(clockOf(one).answerBy ?? "", clockOf({ ...one, pauses }).answerBy ?? "");
  const pauseOf = (one: ClockFacts, begin: number, days: number) => ({
    from: plus(one.receivedAt, begin * DAY),
    until: plus(one.receivedAt, (begin + days) * DAY),
  });
  const begin = fc.integer({ min: 0, max: 27 });
  const length = fc.integer({ min: 0, max: 200 });

  test("of n days moves the deadline by n days", () => {
    holds(fc.tuple(access, begin, length), ([one, from, days]) => {
      expect(moved(one, [pauseOf(one, from, days)])).toBe(days);
    });
  });

  test("is the same in two halves, and told twice, and in any order", () => {
    holds(
      fc.tuple(access, begin, length, fc.double({ min: 0, max: 1, noNaN: true })),
      ([one, from, days, part]) => {
        const half = Math.floor(days * part);
        const pauses = [
          pauseOf(one, from, half),
          pauseOf(one, from + half, days - half),
          pauseOf(one, from, days),
        ];
        expect(moved(one, pauses)).toBe(days);
        expect(moved(one, pauses.toReversed())).toBe(days);
      },
    );
  });

  test("never brings a deadline nearer, however many there are", () => {
    const many = fc.array(fc.tuple(fc.integer({ min: -40, max: 120 }), fc.integer({ min: -5, max: 40 })));
    holds(fc.tuple(access, many), ([one, list]) => {
      const pauses = list.map(([from, days]) => pauseOf(one, from, days));
      expect(moved(one, pauses)).toBeGreaterThanOrEqual(0);
      expect(moved(one, pauses)).toBeLessThanOrEqual(
        list.reduce((sum, [, days]) => sum + Math.max(days, 0), 0),
      );
    });
  });

  test("moves nothing where the regime knows none", () => {
    holds(facts, (one) => {
      const paused = clockOf({ ...one, pauses: [{ from: one.receivedAt, until: null }] });
      if (!paused.mayPause) expect(paused).toEqual(clockOf(one));
      else expect(paused).toMatchObject({ paused: true, answerBy: null, extendBefore: null });
    });
  });
});

describe("reminders", () => {
  test("are in order, after the start, and the last one is the moment from which the answer is overdue", () => {
    holds(facts, (one) => {
      const clock = clockOf(one);
      const all = remindersOf(clock, { acknowledged: false, timeZone: one.timeZone });
      expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted());
      for (const { at } of all) expect(at > one.receivedAt).toBe(true);
      if (clock.answerBy === null) expect(all).toEqual([]);
      else expect(all.at(-1)).toEqual({ at: plus(clock.answerBy, 1), what: "answer", daysLeft: 0 });
    });
  });
});

describe("federal holidays", () => {
  // https://www.opm.gov/policy-data-oversight/pay-leave/federal-holidays/
  test.each([
    [2026, "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25"],
    [2027, "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31"],
    [2028, "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25"],
  ])("of %i are those that the government observes on a working day", (year, expected) => {
    const days = Array.from({ length: 366 }, (_, i) => new Date(Date.UTC(year, 0, 1 + i)))
      .filter((day) => day.getUTCFullYear() === year && day.getUTCDay() % 6 !== 0)
      .map((day) => day.toISOString().slice(0, 10));
    expect(
      days
        .filter((day) => isHoliday(day, "US"))
        .map((day) => day.slice(5))
        .join(" "),
    ).toBe(expected);
  });

  test("are known of a country, a part of it, and a part of that, and of nothing else", () => {
    for (const known of ["US", "US-CA", "DE", "DE-BY", "DE-BY-A"])
      expect(knowsHolidays(known), known).toBe(true);
    for (const none of ["", "us", "XX", "US-XX", "DE-BY-XX", "DE-BY-A-B", "-CA", "toString", "US-toString"])
      expect(knowsHolidays(none), none).toBe(false);
  });
});
