import { type Choice, currentState, type Decision, isOptOut } from "./state.ts";

/**
 * What a record has to do with the current state:
 * `decides` · `older` than the deciding choice · `repeated`, the same once more · `outweighed`, of the same time, by an opt-out · `report_only`, because
 * a report does not lift or outrank what the person expressed · `echo` of our own change, which is nobody's choice.
 */
export type Verdict = "decides" | "older" | "repeated" | "outweighed" | "report_only" | "echo";

export interface Explained<Record extends Choice> {
  readonly decision: Decision<Record> | undefined;
  readonly records: readonly (Record & { readonly verdict: Verdict })[];
}

/** The current state of one purpose, and of every record why it is, or is not, the one that decides. */
export function explain<Record extends Choice>(records: readonly Record[]): Explained<Record> {
  const decision = currentState(records);
  return {
    decision,
    records: records.map((record) => ({ ...record, verdict: verdictOn(record, decision) })),
  };
}

function verdictOn<Record extends Choice>(record: Record, decision: Decision<Record> | undefined): Verdict {
  if (record.nature === "echo") return "echo";
  const decider = decision?.record;
  if (decider === undefined || record === decider) return "decides";
  if (
    record.nature === "snapshot" &&
    decider.nature === "expressed" &&
    record.occurredAt >= decider.occurredAt
  )
    return "report_only";
  if (record.occurredAt === decider.occurredAt)
    return record.state === decider.state ? "repeated" : "outweighed";
  // A report of an opt-out decides over what was expressed before it.
  return record.occurredAt > decider.occurredAt && !isOptOut(record.state) ? "report_only" : "older";
}
