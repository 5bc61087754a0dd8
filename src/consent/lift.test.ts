import { describe, expect, test } from "vitest";
import { type KnownThere, mayLift } from "./lift.ts";

const minutes = (n: number) => n * 60_000;
const iso = (n: number) => new Date(minutes(n)).toISOString();
const grant = { nature: "expressed", occurredAt: minutes(10) } as const;
const nothing: KnownThere = { ours: undefined, reported: undefined };
const ours = (n: number): KnownThere => ({ ...nothing, ours: minutes(n) });
const reported = (n: number, optOut = true): KnownThere => ({
  ...nothing,
  reported: { occurredAt: minutes(n), optOut },
});

describe("a grant", () => {
  test("is brought to where the person never chose", () => {
    expect(mayLift(grant, { state: "not_asked" }, nothing)).toEqual({ may: true });
  });

  test("never lifts a block: a bounce, a complaint, a suppression by the company", () => {
    for (const blocked of ["bounced", "complained", "suppressed"] as const)
      expect(mayLift(grant, { state: "withdrawn", blocked }, ours(5))).toEqual({
        may: false,
        reason: blocked,
      });
  });

  test("lifts an opt-out that the person made before it, as the platform tells, or as it last reported", () => {
    expect(mayLift(grant, { state: "withdrawn", since: iso(5) }, nothing)).toEqual({ may: true });
    expect(mayLift(grant, { state: "withdrawn" }, reported(5))).toEqual({ may: true });
  });

  test("lifts an opt-out that we brought there ourselves, whenever that was", () => {
    expect(mayLift(grant, { state: "withdrawn", since: iso(20) }, ours(20))).toEqual({ may: true });
    expect(mayLift(grant, { state: "withdrawn" }, ours(20))).toEqual({ may: true });
  });

  test("gives way to an opt-out there that is later and that we had not seen", () => {
    const later = { may: false, optedOutAt: iso(40) };
    expect(mayLift(grant, { state: "withdrawn", since: iso(40) }, nothing)).toEqual(later);
    // Neither an older one that we know of, nor one that we brought there long before, explains it.
    expect(mayLift(grant, { state: "withdrawn", since: iso(40) }, reported(5))).toEqual(later);
    expect(mayLift(grant, { state: "withdrawn", since: iso(40) }, ours(20))).toEqual(later);
  });

  test("gives way to an opt-out of the same time, which counts as the later one", () => {
    const optedOutAt = new Date(minutes(10) + 1).toISOString();
    expect(mayLift(grant, { state: "withdrawn", since: iso(10) }, nothing)).toEqual({
      may: false,
      optedOutAt,
    });
    const soon = new Date(minutes(10) - 1_000).toISOString();
    expect(mayLift(grant, { state: "withdrawn", since: soon }, nothing)).toEqual({ may: false, optedOutAt });
  });

  test("leaves an opt-out of unknown age to a person, unless we know it to be older", () => {
    const left = { may: false, reason: "opt_out_there" };
    expect(mayLift(grant, { state: "withdrawn" }, nothing)).toEqual(left);
    expect(mayLift(grant, { state: "withdrawn" }, reported(15))).toEqual(left);
    // It came back since the opt-out that we know of, so that this is another one.
    expect(mayLift(grant, { state: "withdrawn" }, reported(8, false))).toEqual(left);
  });

  test("that a platform only reported lifts nothing", () => {
    const report = { nature: "snapshot", occurredAt: minutes(10) } as const;
    expect(mayLift(report, { state: "withdrawn", since: iso(5) }, ours(5))).toEqual({
      may: false,
      reason: "opt_out_there",
    });
    expect(mayLift(report, { state: "not_asked" }, nothing)).toEqual({ may: true });
  });

  test("waits where the platform itself waits for the person to confirm", () => {
    expect(mayLift(grant, { state: "pending" }, nothing)).toEqual({
      may: false,
      reason: "confirmation_needed",
    });
  });
});
