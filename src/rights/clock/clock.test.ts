import { describe, expect, test } from "vitest";
import { clock, end, examples } from "../../../test/support/clock.ts";
import type { ClockFacts } from "./clock.ts";

describe("GDPR, one month from receipt:", () => {
  examples("gdpr", "erasure", [
    [
      "2026-03-05T10:00+01:00",
      "Europe/Berlin",
      "2026-04-05 +02:00",
      "the EDPB's example, 5 March to 5 April, which is Easter Sunday: not moved",
    ],
    [
      "2026-08-31T10:00+02:00",
      "Europe/Berlin",
      "2026-09-30 +02:00",
      "the EDPB's example, 31 August to 30 September",
    ],
    [
      "2026-01-31T10:00+01:00",
      "Europe/Berlin",
      "2026-02-28 +01:00",
      "February has no 31st: Regulation 1182/71 Art. 3(2)(c)",
    ],
    ["2026-01-30T10:00+01:00", "Europe/Berlin", "2026-02-28 +01:00", "nor a 30th"],
    ["2026-01-29T10:00+01:00", "Europe/Berlin", "2026-02-28 +01:00", "nor a 29th"],
    ["2026-01-28T10:00+01:00", "Europe/Berlin", "2026-02-28 +01:00", "the same number"],
    ["2028-01-31T10:00+01:00", "Europe/Berlin", "2028-02-29 +01:00", "in a leap year the last is the 29th"],
    ["2028-01-29T10:00+01:00", "Europe/Berlin", "2028-02-29 +01:00", "which then has its number"],
    [
      "2028-02-29T10:00+01:00",
      "Europe/Berlin",
      "2028-03-29 +02:00",
      "from the last of a month to the same number, not to the last",
    ],
    ["2026-02-28T10:00+01:00", "Europe/Berlin", "2026-03-28 +01:00", "28 days: a month is not thirty"],
    ["2026-07-01T10:00+02:00", "Europe/Berlin", "2026-08-01 +02:00", "31 days, to a Saturday: not moved"],
    [
      "2026-12-31T10:00+01:00",
      "Europe/Berlin",
      "2027-01-31 +01:00",
      "across the year, to a Sunday: not moved",
    ],
    ["2025-12-01T10:00+01:00", "Europe/Berlin", "2026-01-01 +01:00", "a holiday: not moved"],
    ["2026-09-25T10:00+02:00", "Europe/Berlin", "2026-10-25 +01:00", "a day of 25 hours, to its very end"],
    ["2027-02-28T10:00+01:00", "Europe/Berlin", "2027-03-28 +02:00", "a day of 23 hours"],
    ["2026-10-25T02:30+01:00", "Europe/Berlin", "2026-11-25 +01:00", "received in the hour that comes twice"],
    ["2026-03-05T00:00:00.000+01:00", "Europe/Berlin", "2026-04-05 +02:00", "the day's first millisecond"],
    ["2026-03-05T23:59:59.999+01:00", "Europe/Berlin", "2026-04-05 +02:00", "and its last"],
  ]);

  describe("it is the controller's day that counts", () => {
    examples("gdpr", "access", [
      ["2026-03-04T23:30:00Z", "Europe/Berlin", "2026-04-05 +02:00", "it was 5 March there already"],
      ["2026-01-31T23:00:00Z", "Europe/Berlin", "2026-03-01 +01:00", "it was 1 February, exactly"],
      [
        "2026-01-31T22:59:59.999Z",
        "Europe/Berlin",
        "2026-02-28 +01:00",
        "it was still January, by a millisecond",
      ],
      ["2026-04-30T12:30:00Z", "Pacific/Auckland", "2026-06-01 +12:00", "half past midnight on 1 May"],
      ["2026-04-30T12:30:00Z", "UTC", "2026-05-30 +00:00", "the same instant, a day earlier: two days less"],
      [
        "2026-03-05T12:00+13:00",
        "Pacific/Auckland",
        "2026-04-05 +12:00",
        "summer time ends there on the last day",
      ],
      [
        "2026-02-07T10:00-05:00",
        "America/Havana",
        "2026-03-07 -05:00",
        "the next day has no 00:00: clocks go to 01:00",
      ],
      ["2026-02-28T10:00+02:00", "Asia/Beirut", "2026-03-28 +02:00", "the same there"],
      [
        "2026-03-04T10:00-03:00",
        "America/Santiago",
        "2026-04-04 -04:00",
        "23:00 to 24:00 comes twice: the second time counts",
      ],
      [
        "2011-11-30T10:00-10:00",
        "Pacific/Apia",
        "2011-12-29 -10:00",
        "30 December 2011 was left out in Samoa: before that",
      ],
    ]);
  });

  describe("with an extension three months from receipt (the period itself is extended, Art. 12(3)):", () => {
    examples(
      "gdpr",
      "access",
      [
        ["2026-03-05T10:00+01:00", "Europe/Berlin", "2026-06-05 +02:00", "the same number"],
        [
          "2026-01-31T10:00+01:00",
          "Europe/Berlin",
          "2026-04-30 +02:00",
          "not from the 28 February of the first month",
        ],
        ["2026-11-30T10:00+01:00", "Europe/Berlin", "2027-02-28 +01:00", "the month's last day"],
        ["2027-11-30T10:00+01:00", "Europe/Berlin", "2028-02-29 +01:00", "and in a leap year"],
      ],
      { extended: true },
    );
  });

  test("says until when notice of an extension must be given, and how far it reaches", () => {
    const facts = { receivedAt: "2026-01-31T10:00:00Z" };
    expect(clock(facts)).toEqual({
      startsAt: "2026-01-31T10:00:00.000Z",
      acknowledgeBy: null,
      answerBy: end("2026-02-28 +01:00"),
      extensionUntil: end("2026-04-30 +02:00"),
      extendBefore: end("2026-02-28 +01:00"),
      paused: false,
      mayPause: false,
      mayExtend: true,
    });
    expect(clock({ ...facts, extended: true })).toMatchObject({
      answerBy: end("2026-04-30 +02:00"),
      extensionUntil: end("2026-04-30 +02:00"),
      extendBefore: null,
      mayExtend: false,
    });
  });

  test("waits for nobody: neither for proof of identity, nor a fee, nor an answer of the person", () => {
    const waiting = {
      identityProvenAt: null,
      feePaidAt: null,
      pauses: [{ from: "2026-03-06T10:00:00Z", until: null }],
    };
    expect(clock(waiting)).toEqual(clock({}));
  });
});

describe("DPDP, the period that the business publishes:", () => {
  const INDIA = "Asia/Kolkata";
  examples(
    "dpdp",
    "erasure",
    [["2026-01-31T10:00+05:30", INDIA, "2026-03-02 +05:30", "30 days, which are no month"]],
    { dpdpDays: 30 },
  );
  examples(
    "dpdp",
    "erasure",
    [["2026-01-31T23:30+05:30", INDIA, "2026-05-01 +05:30", "90 days from the day it is there"]],
    { dpdpDays: 90 },
  );
  examples(
    "dpdp",
    "erasure",
    [["2026-01-31T10:00+05:30", INDIA, "2026-05-01 +05:30", "no more than the 90 of r. 14(3)"]],
    { dpdpDays: 120, extended: true },
  );
});

describe("a platform, the days that it gives:", () => {
  examples("platform", "erasure", [
    ["2026-01-31T10:00+01:00", "Europe/Berlin", "2026-03-02 +01:00", "Shopify's 30 days from receipt"],
    ["2028-01-31T10:00+01:00", "Europe/Berlin", "2028-03-01 +01:00", "in a leap year"],
  ]);
  test("or none", () => {
    expect(clock({ regime: "platform", platformDays: null })).toMatchObject({
      startsAt: "2026-03-05T10:00:00.000Z",
      answerBy: null,
      extensionUntil: null,
      mayExtend: false,
    });
  });
});

describe("what it cannot count with is refused, and not quoted:", () => {
  test.each<[string, Partial<ClockFacts>]>([
    ["rights/unknown-time-zone", { timeZone: "Europe/Atlantis" }],
    ["rights/unknown-time-zone", { timeZone: "+02:00" }],
    ["rights/unknown-time-zone", { timeZone: "" }],
    ["rights/unknown-holidays", { regime: "ccpa", holidays: "XX" }],
    ["rights/unknown-holidays", { regime: "ccpa", holidays: "US-XX" }],
    ["rights/unknown-holidays", { regime: "ccpa", holidays: "" }],
    ["rights/not-days", { dpdpDays: 0 }],
    ["rights/not-days", { dpdpDays: Number.NaN }],
    ["rights/not-days", { platformDays: 1.5 }],
  ])("%s of %j", (code, facts) => {
    expect(() => clock(facts)).toThrow(
      expect.objectContaining({ code, message: expect.not.stringMatching(/Atlantis|XX/) }),
    );
  });
});
