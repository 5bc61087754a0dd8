import type { Direction } from "./state.ts";

/** A change that we sent to a platform. `at` in milliseconds. */
export interface SentChange {
  readonly state: Direction;
  readonly at: number;
  /** The platform showed that it holds it, so that it cannot come into effect later any more. */
  readonly landed: boolean;
}

/** What a platform held, or said to hold. Undefined where it was neither yes nor no, or nobody knows. */
export interface Mark {
  readonly state: Direction | undefined;
  readonly at: number;
}

/** What people chose up to a report: there, and anywhere for the same purpose. */
export interface Chosen {
  readonly there: readonly Mark[];
  readonly anywhere: readonly Mark[];
}

/** Milliseconds by which a platform's clock and ours may differ, or its times be cut short. */
export const SKEW = 5_000;
/** Milliseconds within which nobody knows whether our change or a person's choice came first: a time cut short, and a little. */
export const DOUBT = 2_000;
/** Milliseconds after which a platform's report is not taken for the echo of a change any more. */
const ECHO = 3_600_000;
/** The same of a change that the platform has not shown yet: it may carry it out late. */
const LATE = 24 * ECHO;

/**
 * Whether what a platform reports is our own change coming back. `at` is when it came to hold it, in milliseconds.
 *
 * In doubt nobody consented. A report of a *grant* is an echo of any grant that we sent and that may only now have come
 * into effect, unless the person opted out there in between. A report of an *opt-out* is an echo only of the last change that
 * we sent, and only if nobody has consented since, there or elsewhere; otherwise it counts as the person's choice.
 */
export function isEcho(report: Mark, sent: readonly SentChange[], chosen: Chosen): boolean {
  const recent = sent.filter(
    ({ state, at, landed }) =>
      state === report.state && at <= report.at + SKEW && at >= report.at - (landed ? ECHO : LATE),
  );
  const replaced = ({ at }: SentChange) =>
    sent.some((later) => later.state !== report.state && later.at > at && later.at < report.at - SKEW);
  const between = (marks: readonly Mark[], from: number) =>
    marks.some(({ state, at }) => state !== report.state && at > from && at <= report.at);
  return report.state === "granted"
    ? recent.some((one) => !(one.landed && replaced(one)) && !between(chosen.there, one.at + DOUBT))
    : recent.some(
        (one) =>
          !replaced(one) &&
          !between(chosen.there, one.at - DOUBT) &&
          !chosen.anywhere.some(
            ({ state, at }) => state === "granted" && at > one.at - DOUBT && at <= report.at,
          ),
      );
}

/** Whether the last of these before the report may have been to the same state, so that it says nothing new. */
export function repeats(report: Mark, marks: readonly Mark[]): boolean {
  const before = marks.filter(({ at }) => at <= report.at + SKEW);
  return before.some(
    ({ state, at }) =>
      state === report.state &&
      !before.some((later) => later.state !== state && later.at > at && later.at < report.at - SKEW),
  );
}
