import { describe, expect, test } from "vitest";
import { mayLift } from "./lift.ts";

const minutes = (n: number) => n * 60_000;
const iso = (n: number) => new Date(minutes(n)).toISOString();
const grant = { nature: "expressed", occurredAt: minutes(10) } as const;
const nothing = { reported: [], ours: false };

describe("a grant", () => {
  test("is brought to where the person never chose", () => {
    expect(mayLift(grant, { state: "not_asked" }, nothing)).toEqual({ may: true });
  });

  test("never lifts a block: a bounce, a complaint, a suppression by the company", () => {
    for (const blocked of ["bounced", "complained", "suppressed"] as const)
      expect(mayLift(grant, { state: "withdrawn", blocked }, { reported: [], ours: true })).toEqual({
        may: false,
        reason: blocked,
      });
  });

  test("lifts an opt-out that the person made before it, as the platform tells, or as we know", () => {
    expect(mayLift(grant, { state: "withdrawn", since: iso(5) }, nothing)).toEqual({ may: true });
    expect(mayLift(grant, { state: "withdrawn" }, { reported: [minutes(5)], ours: false })).toEqual({
      may: true,
    });
  });

  test("lifts an opt-out that we brought there ourselves, whenever that was", () => {
    expect(mayLift(grant, { state: "withdrawn", since: iso(20) }, { reported: [], ours: true })).toEqual({
      may: true,
    });
  });

  test("gives way to an opt-out there that is later and that we had not seen", () => {
    expect(mayLift(grant, { state: "withdrawn", since: iso(20) }, nothing)).toEqual({
      may: false,
      optedOutAt: iso(20),
    });
    // An older one that we know of does not explain it.
    expect(
      mayLift(grant, { state: "withdrawn", since: iso(20) }, { reported: [minutes(5)], ours: false }),
    ).toEqual({ may: false, optedOutAt: iso(20) });
  });

  test("leaves an opt-out of unknown age to a person, unless we know it to be older", () => {
    expect(mayLift(grant, { state: "withdrawn" }, nothing)).toEqual({ may: false, reason: "opt_out_there" });
    expect(mayLift(grant, { state: "withdrawn" }, { reported: [minutes(15)], ours: false })).toEqual({
      may: false,
      reason: "opt_out_there",
    });
  });

  test("that a platform only reported lifts nothing", () => {
    const report = { nature: "snapshot", occurredAt: minutes(10) } as const;
    expect(mayLift(report, { state: "withdrawn", since: iso(5) }, { reported: [], ours: true })).toEqual({
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
