import { DOUBT, type Mark } from "./echo.ts";
import type { Direction } from "./state.ts";

/** Milliseconds to which platforms tell the time: of reports within it nobody knows which came last. */
const SECOND = 1_000;

/**
 * Whether a platform holds what it should, by what we sent or saw there last, and what it reported last. Where our clock
 * and its cannot tell which of the two came later, both must say so: in doubt it is brought in step once more. A
 * platform of which nothing was ever heard is not in step. Where a report may be about a part only (`whole` is false: the
 * person is there several times, or the purpose in several places), it puts nothing in step.
 */
export function isInStep(
  wanted: Direction,
  { ours, theirs }: { ours: readonly Mark[]; theirs: readonly Mark[] },
  whole = true,
): boolean {
  const last = latest(ours, 0);
  const reported = latest(theirs, SECOND);
  if (!whole && (last === undefined || (reported !== undefined && reported.at > last.at - DOUBT)))
    return false;
  if (last === undefined) return reported !== undefined && holds(reported);
  if (reported === undefined || last.at > reported.at + DOUBT) return holds(last);
  if (reported.at > last.at + DOUBT) return holds(reported);
  return holds(last) && holds(reported);

  function holds({ states }: Latest): boolean {
    return states.every((state) => state === wanted);
  }
}

interface Latest {
  readonly at: number;
  readonly states: readonly (Direction | undefined)[];
}

/** The last of them, with those that may have been the last. */
function latest(marks: readonly Mark[], within: number): Latest | undefined {
  if (marks.length === 0) return undefined;
  const at = Math.max(...marks.map((mark) => mark.at));
  return { at, states: marks.filter((mark) => mark.at >= at - within).map(({ state }) => state) };
}
