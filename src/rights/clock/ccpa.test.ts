import { describe, expect, test } from "vitest";
import { clock, end, examples } from "../../../test/support/clock.ts";

const CALIFORNIA = "America/Los_Angeles";

describe("CCPA:", () => {
  const OPT_OUT = "opt_out_of_sale";
  test.each<[string, string, string, string]>([
    [
      "2026-11-16T09:00-08:00",
      "2026-12-01 -08:00",
      "2026-12-31 -08:00",
      "Thanksgiving, 26 November, is none of the ten; the day after it is",
    ],
    [
      "2026-06-17T09:00-07:00",
      "2026-07-02 -07:00",
      "2026-08-01 -07:00",
      "nor is Juneteenth; the 45th day is a Saturday",
    ],
    [
      "2026-06-18T09:00-07:00",
      "2026-07-06 -07:00",
      "2026-08-02 -07:00",
      "nor 3 July, when Independence Day is observed",
    ],
    [
      "2026-08-01T09:00-07:00",
      "2026-08-14 -07:00",
      "2026-09-15 -07:00",
      "received on a Saturday: Monday is the first",
    ],
    [
      "2026-08-02T23:59-07:00",
      "2026-08-14 -07:00",
      "2026-09-16 -07:00",
      "and on a Sunday; the 45 days count all of them",
    ],
    ["2026-08-07T09:00-07:00", "2026-08-21 -07:00", "2026-09-21 -07:00", "and on a Friday"],
    [
      "2026-10-02T09:00-07:00",
      "2026-10-19 -07:00",
      "2026-11-16 -08:00",
      "Columbus Day; summer time ends within the 45 days",
    ],
    [
      "2026-01-08T09:00-08:00",
      "2026-01-23 -08:00",
      "2026-02-22 -08:00",
      "Martin Luther King Day; the 45th day is a Sunday",
    ],
    [
      "2026-12-18T09:00-08:00",
      "2027-01-05 -08:00",
      "2027-02-01 -08:00",
      "Christmas Day and New Year's Day, but not the Eves",
    ],
    [
      "2027-12-20T09:00-08:00",
      "2028-01-05 -08:00",
      "2028-02-03 -08:00",
      "both are observed on a Friday: 24 and 31 December 2027",
    ],
    [
      "2028-11-01T09:00-07:00",
      "2028-11-16 -08:00",
      "2028-12-16 -08:00",
      "Veterans Day, a Saturday, is observed on 10 November 2028",
    ],
    ["2028-01-15T09:00-08:00", "2028-01-31 -08:00", "2028-02-29 -08:00", "45 days to a 29 February"],
    [
      "2026-02-01T09:00-08:00",
      "2026-02-13 -08:00",
      "2026-03-18 -07:00",
      "summer time begins within the 45 days",
    ],
    ["2026-03-05T07:30:00Z", "2026-03-18 -07:00", "2026-04-18 -07:00", "it was still 4 March in California"],
  ])("%s is acknowledged by %s and answered by %s: %s", (receivedAt, acknowledgeBy, answerBy) => {
    const facts = { regime: "ccpa", kind: "access", receivedAt, timeZone: CALIFORNIA } as const;
    expect(clock(facts)).toMatchObject({ acknowledgeBy: end(acknowledgeBy), answerBy: end(answerBy) });
    // §7021(b): "regardless of time required to verify the request".
    expect(clock({ ...facts, identityProvenAt: null })).toEqual(clock(facts));
  });

  test("90 days from receipt in all with an extension, of which notice is due within the first 45", () => {
    const facts = {
      regime: "ccpa",
      receivedAt: "2026-11-16T09:00-08:00",
      timeZone: CALIFORNIA,
    } as const;
    expect(clock(facts)).toMatchObject({
      extendBefore: end("2026-12-31 -08:00"),
      extensionUntil: end("2027-02-14 -08:00"),
      mayExtend: true,
    });
    expect(clock({ ...facts, extended: true }).answerBy).toBe(end("2027-02-14 -08:00"));
  });

  describe("an opt-out of sale or sharing, 15 business days (§7026(f)):", () => {
    examples("ccpa", OPT_OUT, [
      ["2026-11-16T09:00-08:00", "America/Los_Angeles", "2026-12-08 -08:00", "Thanksgiving is none"],
      ["2026-08-01T09:00-07:00", "America/Los_Angeles", "2026-08-21 -07:00", "received on a Saturday"],
      ["2026-07-03T09:00-07:00", "America/Los_Angeles", "2026-07-24 -07:00", "received on a holiday"],
    ]);
    test("is neither acknowledged nor extended", () => {
      expect(clock({ regime: "ccpa", kind: OPT_OUT, extended: true })).toMatchObject({
        acknowledgeBy: null,
        extensionUntil: null,
        extendBefore: null,
        mayExtend: false,
        answerBy: clock({ regime: "ccpa", kind: OPT_OUT }).answerBy,
      });
    });
  });

  test("counts business days by the holidays that the controller chose", () => {
    const facts = { regime: "ccpa", receivedAt: "2026-05-26T09:00+02:00" } as const;
    expect(clock({ ...facts, holidays: "US" }).acknowledgeBy).toBe(end("2026-06-09 +02:00"));
    expect(clock({ ...facts, holidays: "DE" }).acknowledgeBy).toBe(end("2026-06-09 +02:00"));
    // Corpus Christi, 4 June 2026, is a holiday in Bavaria and not in all of Germany.
    expect(clock({ ...facts, holidays: "DE-BY" }).acknowledgeBy).toBe(end("2026-06-10 +02:00"));
  });
});
