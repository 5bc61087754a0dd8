import { expect, test } from "vitest";
import { type Clock, type ClockFacts, clockOf } from "#rights";
import type { RightsKind, RightsRegime } from "#schemas";

const FACTS: ClockFacts = {
  regime: "gdpr",
  kind: "access",
  receivedAt: "2026-03-05T10:00:00Z",
  pauses: [],
  extended: false,
  timeZone: "Europe/Berlin",
  holidays: "US",
  dpdpDays: 90,
  platformDays: 30,
};

export const clock = (facts: Partial<ClockFacts>): Clock => clockOf({ ...FACTS, ...facts });

/** The last millisecond of a local day, `2026-04-05 +02:00`, in UTC. */
export const end = (day: string) => new Date(day.replace(" ", "T23:59:59.999")).toISOString();

/** Received (local time with its offset), the controller's time zone, the last local day, and why it is that one. */
type Example = [received: string, timeZone: string, answerBy: string, because: string];

/** Worked examples, a test each. */
export const examples = (
  regime: RightsRegime,
  kind: RightsKind,
  rows: readonly Example[],
  more: Partial<ClockFacts> = {},
) =>
  test.each(rows)("%s in %s is answered by %s: %s", (receivedAt, timeZone, answerBy) => {
    expect(clock({ regime, kind, receivedAt, timeZone, ...more }).answerBy).toBe(end(answerBy));
  });
