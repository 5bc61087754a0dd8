import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConsentState, RecordNature } from "#schemas";
import { explain } from "./explain.ts";
import { type Choice, currentState, isOptOut } from "./state.ts";

const at = (state: ConsentState, occurredAt: number, nature: RecordNature = "expressed"): Choice => ({
  state,
  occurredAt,
  nature,
});
const stateOf = (...records: Choice[]) => currentState(records)?.record.state;
const reasonOf = (...records: Choice[]) => currentState(records)?.reason;

describe("the current state of a purpose", () => {
  test("is unknown without a record", () => {
    expect(currentState([])).toBeUndefined();
  });

  test("is the latest choice that the person expressed", () => {
    expect(stateOf(at("granted", 1), at("withdrawn", 2), at("granted", 3))).toBe("granted");
    expect(stateOf(at("granted", 3), at("withdrawn", 5), at("granted", 1))).toBe("withdrawn");
    expect(reasonOf(at("granted", 1), at("withdrawn", 2))).toBe("latest_choice");
  });

  test("is the opt-out, when a choice for and one against have the same time", () => {
    for (const no of ["withdrawn", "denied"] as const) {
      expect(stateOf(at("granted", 1), at(no, 1))).toBe(no);
      expect(stateOf(at(no, 1), at("granted", 1))).toBe(no);
      expect(reasonOf(at("granted", 1), at(no, 1))).toBe("opt_out_wins_tie");
    }
  });

  test("stays withdrawn, whatever a platform reports in passing", () => {
    expect(stateOf(at("withdrawn", 1), at("granted", 9, "snapshot"))).toBe("withdrawn");
    expect(stateOf(at("denied", 1), at("granted", 9, "snapshot"), at("pending", 10, "snapshot"))).toBe(
      "denied",
    );
  });

  test("becomes an opt-out that a platform reports after a grant: it happened where we did not see it", () => {
    expect(stateOf(at("granted", 1), at("withdrawn", 2, "snapshot"))).toBe("withdrawn");
    expect(reasonOf(at("granted", 1), at("withdrawn", 2, "snapshot"))).toBe("opt_out_reported");
    expect(stateOf(at("granted", 2), at("withdrawn", 1, "snapshot"))).toBe("granted");
    expect(stateOf(at("granted", 1), at("not_asked", 2, "snapshot"))).toBe("granted");
  });

  test("is the latest report where nothing was expressed", () => {
    expect(stateOf(at("not_asked", 1, "snapshot"), at("granted", 2, "snapshot"))).toBe("granted");
    expect(reasonOf(at("granted", 2, "snapshot"))).toBe("latest_report");
  });
});

describe("an echo of our own change", () => {
  test("is nobody's choice, and changes nothing", () => {
    expect(stateOf(at("withdrawn", 1), at("granted", 2, "echo"))).toBe("withdrawn");
    expect(stateOf(at("granted", 1), at("withdrawn", 2, "echo"))).toBe("granted");
    expect(stateOf(at("granted", 2, "echo"))).toBeUndefined();
  });
});

describe("why the state is what it is", () => {
  const verdicts = (...records: Choice[]) => explain(records).records.map(({ verdict }) => verdict);

  test("is told of every record", () => {
    expect(
      verdicts(
        at("granted", 1),
        at("withdrawn", 3),
        at("granted", 3),
        at("granted", 4, "snapshot"),
        at("withdrawn", 5, "echo"),
      ),
    ).toEqual(["older", "decides", "outweighed", "report_only", "echo"]);
    expect(verdicts(at("granted", 1), at("withdrawn", 2, "snapshot"))).toEqual(["older", "decides"]);
    expect(verdicts(at("granted", 2), at("withdrawn", 1, "snapshot"))).toEqual(["decides", "older"]);
  });
});

const records = fc.array(
  fc.record({
    state: fc.constantFrom<ConsentState>("granted", "withdrawn", "denied", "pending", "not_asked"),
    nature: fc.constantFrom<RecordNature>("expressed", "snapshot", "echo"),
    occurredAt: fc.integer({ min: 0, max: 6 }),
  }),
  { maxLength: 12 },
);

describe("for any history", () => {
  test("exactly one record decides, unless there are only echoes", () => {
    fc.assert(
      fc.property(records, (history) => {
        const deciding = explain(history).records.filter(({ verdict }) => verdict === "decides");
        expect(deciding).toHaveLength(history.some(({ nature }) => nature !== "echo") ? 1 : 0);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  test("the order of arrival and any repetition make no difference", () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.nat()), (history, noise) => {
        const shuffled = [...history, ...history.slice(0, 3)]
          .map((record) => ({ record, order: noise.next().value ?? 0 }))
          .sort((a, b) => a.order - b.order)
          .map(({ record }) => record);
        expect(stateOf(...shuffled)).toBe(stateOf(...history));
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  test("an opt-out is lifted only by a later choice that was expressed", () => {
    fc.assert(
      fc.property(records, (history) => {
        const optOuts = history.filter(({ state, nature }) => nature === "expressed" && isOptOut(state));
        const last = Math.max(...optOuts.map(({ occurredAt }) => occurredAt));
        const lifted = history.some(
          ({ nature, state, occurredAt }) => nature === "expressed" && !isOptOut(state) && occurredAt > last,
        );
        fc.pre(optOuts.length > 0 && !lifted);
        expect(isOptOut(stateOf(...history) ?? "granted")).toBe(true);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });
});
