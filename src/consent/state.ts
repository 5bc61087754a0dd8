import type { ConsentState, RecordNature } from "#schemas";

/** What the conflict rule needs of a consent record. */
export interface Choice {
  readonly state: ConsentState;
  readonly nature: RecordNature;
  /** Milliseconds since the epoch. */
  readonly occurredAt: number;
}

/** Why a record decides. */
export type Reason = "latest_choice" | "opt_out_wins_tie" | "opt_out_reported" | "latest_report";

export interface Decision<Record extends Choice> {
  readonly record: Record;
  readonly reason: Reason;
}

/**
 * The current state of one purpose, from all its records in any order: the latest expressed choice wins, an
 * opt-out wins a tie, and a report in passing (a snapshot) never overrides an expressed withdrawal. A later
 * report of an opt-out does override an expressed grant: the person opted out somewhere that we did not see. An echo of
 * our own change counts for nothing.
 */
export function currentState<Record extends Choice>(
  records: readonly Record[],
): Decision<Record> | undefined {
  const choice = latest(records.filter(({ nature }) => nature === "expressed"));
  const reports = records.filter(({ nature }) => nature === "snapshot");
  if (choice === undefined) {
    const report = latest(reports);
    return report === undefined ? undefined : { record: report.record, reason: "latest_report" };
  }
  if (!isOptOut(choice.record.state)) {
    const since = reports.filter(
      ({ state, occurredAt }) => isOptOut(state) && occurredAt > choice.record.occurredAt,
    );
    const optOut = latest(since);
    if (optOut !== undefined) return { record: optOut.record, reason: "opt_out_reported" };
  }
  return { record: choice.record, reason: choice.tied ? "opt_out_wins_tie" : "latest_choice" };
}

export function isOptOut(state: ConsentState): boolean {
  return state === "withdrawn" || state === "denied";
}

/** What a platform is to hold: it is brought in step with yes and no, not with what is still open. */
export type Direction = "granted" | "withdrawn";

export function directionOf(state: ConsentState | undefined): Direction | undefined {
  if (state === "granted") return "granted";
  return state !== undefined && isOptOut(state) ? "withdrawn" : undefined;
}

/** Of records of one time the most protective counts, so that the order in which they arrive does not matter. */
const CAUTION: readonly ConsentState[] = ["withdrawn", "denied", "not_asked", "pending", "granted"];

function latest<Record extends Choice>(
  records: readonly Record[],
): { record: Record; tied: boolean } | undefined {
  let found: Record | undefined;
  let tied = false;
  for (const record of records) {
    const age = found === undefined ? 1 : record.occurredAt - found.occurredAt;
    const sameTime = found !== undefined && age === 0 && record.state !== found.state;
    if (age > 0) [found, tied] = [record, false];
    else if (sameTime && CAUTION.indexOf(record.state) < CAUTION.indexOf(found?.state ?? "granted"))
      [found, tied] = [record, true];
    else if (sameTime) tied = true;
  }
  return found === undefined ? undefined : { record: found, tied };
}
