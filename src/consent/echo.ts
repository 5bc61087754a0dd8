import type { Direction } from "./state.ts";

/** A change that we sent to a platform. `at` in milliseconds. */
export interface SentChange {
  readonly state: Direction;
  readonly at: number;
}

/** Milliseconds by which a platform's clock and ours may differ, or its times be cut short. */
export const SKEW = 5_000;
/** Milliseconds after which a platform's report is not taken for the echo of a change any more: some change only in a while. */
const ECHO = 3_600_000;

/**
 * Whether what a platform reports is our own change coming back. It is, if the last change that we sent there before
 * (as far as clocks can tell: of several within the skew any may have been the last) was to the same state. `at` is when
 * the platform came to hold it, in milliseconds.
 *
 * A choice that a person makes there within the hour to the state that we have just sent is taken for an echo as well; it
 * changes nothing that anybody can see.
 */
export function isEcho(report: SentChange, sent: readonly SentChange[]): boolean {
  return mayBeLast(
    report,
    sent.filter(({ at }) => at >= report.at - ECHO),
  );
}

/** Whether the last of these before the report may have been to the same state, as far as clocks can tell. */
export function mayBeLast(
  report: SentChange,
  changes: readonly { readonly state: Direction | undefined; readonly at: number }[],
): boolean {
  const before = changes.filter(({ at }) => at <= report.at + SKEW);
  return before.some(
    ({ state, at }) =>
      state === report.state &&
      !before.some((later) => later.state !== report.state && later.at > at && later.at < report.at - SKEW),
  );
}
