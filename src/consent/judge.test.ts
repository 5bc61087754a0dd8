import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConsentState } from "#schemas";
import { type Judgeable, judged } from "./judge.ts";

const SHOP = "shop";
let records = 0;

/** A report of the shop's. Those of one event have the same workflow. */
const report = (state: ConsentState, minute: number, more: Partial<Judgeable> = {}): Judgeable => ({
  id: `${records++}.0`,
  ...{ connectionId: SHOP, purpose: "email_marketing", state, nature: "expressed" },
  ...{ reportedAt: minute * 60_000, occurredAt: minute * 60_000, found: false },
  ...more,
});
const sent = (state: "granted" | "withdrawn", minute: number, purpose = "email_marketing") => ({
  ...{ connectionId: SHOP, purpose },
  sent: [{ state, at: minute * 60_000, landed: true }],
});
const natures = (all: readonly Judgeable[], sendings: readonly ReturnType<typeof sent>[]) =>
  judged(all, sendings).map(({ nature }) => nature);

describe("of what platforms report", () => {
  test("our changes come back as echoes, and the rest is as it was reported", () => {
    expect(natures([report("granted", 1), report("withdrawn", 10.1)], [sent("withdrawn", 10)])).toEqual([
      "expressed",
      "echo",
    ]);
    expect(natures([report("withdrawn", 10.1, { connectionId: null })], [sent("withdrawn", 10)])).toEqual([
      "expressed",
    ]);
    expect(natures([report("withdrawn", 10.1, { connectionId: "other" })], [sent("withdrawn", 10)])).toEqual([
      "expressed",
    ]);
  });

  test("what we found by asking is no echo", () => {
    expect(natures([report("withdrawn", 10.1, { found: true })], [sent("withdrawn", 10)])).toEqual([
      "expressed",
    ]);
  });

  test("an opt-out counts where the person consented elsewhere since ours was sent, even if that came to light later", () => {
    const consented = report("granted", 20, { connectionId: "other" });
    const late = { ...consented, reportedAt: 40 * 60_000 };
    const optOut = report("withdrawn", 30);
    for (const grant of [consented, late])
      expect(natures([optOut, grant], [sent("withdrawn", 10)])).toEqual(["expressed", "expressed"]);
  });

  test("a choice that comes to light late shows that what followed it was no echo", () => {
    const sendings = [sent("withdrawn", 10)];
    const [optOut, optIn] = [report("withdrawn", 30), report("granted", 20)];
    expect(natures([optOut], sendings)).toEqual(["echo"]);
    expect(natures([optOut, optIn], sendings)).toEqual(["expressed", "expressed"]);
  });

  test("an event that is about our change makes no choice of what it only repeats, but of what is new in it", () => {
    const sendings = [sent("granted", 10)];
    const before = report("withdrawn", 1, { purpose: "sms_marketing" });
    const event = (state: ConsentState) => [
      report("granted", 10.1, { id: "event.0" }),
      report(state, 10.1, { id: "event.1", purpose: "sms_marketing" }),
    ];
    expect(natures([before, ...event("withdrawn")], sendings)).toEqual(["expressed", "echo", "echo"]);
    expect(natures([{ ...before, state: "granted" }, ...event("withdrawn")], sendings)).toEqual([
      "expressed",
      "echo",
      "expressed",
    ]);
  });
});

describe("for any history", () => {
  const history = fc.array(
    fc.record({
      state: fc.constantFrom<ConsentState>("granted", "withdrawn", "pending"),
      at: fc.integer({ min: 0, max: 40 }),
      where: fc.constantFrom(SHOP, "other"),
      event: fc.nat({ max: 4 }),
      purpose: fc.constantFrom("email_marketing", "sms_marketing"),
    }),
    { maxLength: 8 },
  );
  const sendings = fc.array(
    fc.record({ state: fc.constantFrom("granted" as const, "withdrawn" as const), at: fc.nat({ max: 40 }) }),
    { maxLength: 4 },
  );

  test("the order in which records arrive makes no difference", () => {
    fc.assert(
      fc.property(history, sendings, fc.infiniteStream(fc.nat()), (all, sends, noise) => {
        const known = all.map(({ state, at, where, event, purpose }, n) =>
          report(state, at / 10, { id: `w${event}.${n}`, connectionId: where, purpose }),
        );
        const sentThen = sends.map(({ state, at }) => sent(state, at / 10));
        const shuffled = known
          .map((record) => ({ record, order: noise.next().value ?? 0 }))
          .sort((a, b) => a.order - b.order)
          .map(({ record }) => record);
        const byId = (some: readonly Judgeable[]) =>
          Object.fromEntries(judged(some, sentThen).map(({ id, nature }) => [id, nature]));
        expect(byId(shuffled)).toEqual(byId(known));
      }),
      { seed: 11, numRuns: 1_000 },
    );
  });

  test("a hundred thousand reports of one person are judged within a test's time: their cost is not that of their square", () => {
    const all = Array.from({ length: 100_000 }, (_, n) => report(n % 3 === 0 ? "withdrawn" : "granted", n));
    expect(natures(all, [sent("granted", 1)])).toHaveLength(100_000);
  });
});
