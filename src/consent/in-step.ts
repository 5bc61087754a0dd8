import { SKEW } from "./echo.ts";
import type { Direction } from "./state.ts";

/** Something by which we know, or may think, what a platform holds. `at` in milliseconds. */
export interface Mark {
  /** Undefined where it held neither yes nor no. */
  readonly state: Direction | undefined;
  readonly at: number;
}

/**
 * Whether a platform holds what it should, by what it reported and what we sent there. Of what came last, everything
 * within the clocks' skew must say so: where order cannot be told, it is in doubt, and is brought in step once more.
 * A platform that never reported anything is not in step.
 */
export function isInStep(wanted: Direction, marks: readonly Mark[]): boolean {
  const last = Math.max(...marks.map(({ at }) => at));
  return marks.length > 0 && marks.every(({ state, at }) => at < last - SKEW || state === wanted);
}
