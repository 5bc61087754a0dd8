import { describe, expect, test } from "vitest";
import { clock, end } from "../../../test/support/clock.ts";
import type { ClockFacts } from "./clock.ts";

describe("UK GDPR, one month from the latest of request, proof of identity and fee:", () => {
  const UK = { regime: "uk_gdpr", receivedAt: "2026-03-03T09:00:00Z", timeZone: "Europe/London" } as const;
  const at = (day: string) => `2026-${day}T09:00:00Z`;
  const pause = (from: string, until: string | null) => ({ from: at(from), until: until && at(until) });

  test.each<[Partial<ClockFacts>, string, string]>([
    [{}, "2026-04-03 +01:00", "the request alone; to Good Friday, not moved, in summer time"],
    [{ identityProvenAt: at("03-10") }, "2026-04-10 +01:00", "proof a week later"],
    [{ identityProvenAt: "2026-02-01T09:00:00Z" }, "2026-04-03 +01:00", "known before already"],
    [{ identityProvenAt: at("03-10"), feePaidAt: at("03-20") }, "2026-04-20 +01:00", "the fee came last"],
    [{ identityProvenAt: at("03-20"), feePaidAt: at("03-10") }, "2026-04-20 +01:00", "the proof came last"],
    [{ feePaidAt: at("03-31") }, "2026-04-30 +01:00", "to the month's last day"],
    [{ pauses: [pause("03-10", "03-20")] }, "2026-04-13 +01:00", "ten days of waiting do not count"],
    [{ pauses: [pause("03-10", "03-10")] }, "2026-04-03 +01:00", "answered on the day they were asked"],
    [
      { pauses: [pause("03-20", "03-22"), pause("03-10", "03-13")] },
      "2026-04-08 +01:00",
      "two pauses, in any order",
    ],
    [
      { pauses: [pause("03-10", "03-20"), pause("03-15", "03-25")] },
      "2026-04-18 +01:00",
      "pauses that overlap count once",
    ],
    [
      { pauses: [pause("03-10", "03-20"), pause("03-12", "03-15")] },
      "2026-04-13 +01:00",
      "one within another",
    ],
    [{ pauses: [pause("03-27", "03-31")] }, "2026-04-07 +01:00", "four days, one of 23 hours"],
    [
      { pauses: [pause("03-10", "03-20"), pause("04-10", "04-12")] },
      "2026-04-15 +01:00",
      "the second is in time because of the first",
    ],
    [{ pauses: [pause("04-03", "04-05")] }, "2026-04-05 +01:00", "asked on the last day"],
    [{ pauses: [pause("04-04", "04-10")] }, "2026-04-03 +01:00", "asked when time was up"],
    [{ pauses: [pause("04-04", null)] }, "2026-04-03 +01:00", "and not answered: it was up, and is"],
    [{ pauses: [pause("03-01", "03-02")] }, "2026-04-03 +01:00", "asked and answered before the request"],
    [
      { identityProvenAt: at("03-10"), pauses: [pause("03-04", "03-15")] },
      "2026-04-15 +01:00",
      "only what lies after the start",
    ],
    [
      { kind: "erasure", pauses: [pause("03-10", "03-20")] },
      "2026-04-03 +01:00",
      "Art. 12A(5) is about access only",
    ],
    [{ extended: true }, "2026-06-03 +01:00", "three months from the start, as the ICO counts"],
    [{ extended: true, identityProvenAt: at("03-31") }, "2026-06-30 +01:00", "of that start"],
    [
      { extended: true, pauses: [pause("05-10", "05-20")] },
      "2026-06-13 +01:00",
      "a pause in the time that was won",
    ],
  ])("%j is answered by %s: %s", (facts, answerBy) => {
    expect(clock({ ...UK, ...facts })).toMatchObject({ answerBy: end(answerBy), paused: false });
  });

  test.each<Partial<ClockFacts>>([
    { identityProvenAt: null },
    { feePaidAt: null },
    { identityProvenAt: "2026-03-10T09:00:00Z", feePaidAt: null },
  ])("has not started while something is waited for: %j", (facts) => {
    expect(clock({ ...UK, ...facts })).toMatchObject({
      startsAt: null,
      answerBy: null,
      extensionUntil: null,
      paused: false,
    });
  });

  test("stands still while the person is asked what they mean, with no deadline until they say", () => {
    expect(clock({ ...UK, pauses: [pause("03-10", null)] })).toEqual({
      startsAt: "2026-03-03T09:00:00.000Z",
      acknowledgeBy: null,
      answerBy: null,
      extensionUntil: null,
      extendBefore: null,
      paused: true,
      mayPause: true,
      mayExtend: true,
    });
  });

  test("a pause that begins when time was up wins nothing of an extension either", () => {
    for (const until of ["04-20", null])
      expect(clock({ ...UK, pauses: [pause("04-04", until)] })).toEqual(clock(UK));
  });

  test("a pause moves the day until when notice of an extension is due, and what it wins", () => {
    expect(clock({ ...UK, pauses: [pause("03-10", "03-20")] })).toMatchObject({
      extendBefore: end("2026-04-13 +01:00"),
      extensionUntil: end("2026-06-13 +01:00"),
    });
  });
});
