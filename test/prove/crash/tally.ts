import type { Outcome } from "../harness.ts";
import type { Reconciled } from "./reconcile.ts";

/** What a run of the harness has seen so far. */
export interface Tally {
  /** By the moment: a boundary's name, or what else was killed when. */
  readonly kills: Map<string, number>;
  /** Milliseconds from the start of a hub that was killed before until it was ready. */
  readonly starts: number[];
  /** Milliseconds from the kill of PostgreSQL until a delivery was acknowledged again. */
  readonly outages: number[];
  readonly reconciled: Reconciled[];
  readonly broken: string[];
}

export const DATABASE = "PostgreSQL";

export const emptyTally = (): Tally => ({
  kills: new Map(),
  starts: [],
  outages: [],
  reconciled: [],
  broken: [],
});

export function count(tally: Tally, moment: string): void {
  tally.kills.set(moment, (tally.kills.get(moment) ?? 0) + 1);
}

export function killsOf(tally: Tally): number {
  return [...tally.kills.values()].reduce((sum, kills) => sum + kills, 0);
}

export function outcomeOf(tally: Tally): Outcome {
  const sum = (what: "acknowledged" | "lost" | "doubled" | "unaccounted") =>
    tally.reconciled.reduce((total, one) => total + one[what], 0);
  return {
    figures: {
      kills: killsOf(tally),
      ...Object.fromEntries([...tally.kills].map(([moment, kills]) => [`killed ${moment}`, kills])),
      acknowledged: sum("acknowledged"),
      lost: sum("lost"),
      doubled: sum("doubled"),
      unaccounted: sum("unaccounted"),
      reconciliations: tally.reconciled.length,
      "hub ready after a kill": times(tally.starts),
      "acknowledging after PostgreSQL was killed": times(tally.outages),
    },
    broken: tally.broken,
  };
}

function times(milliseconds: readonly number[]): string {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (place: number) => Math.round(sorted[Math.floor(place)] ?? 0);
  return `median ${at(sorted.length / 2)} ms, at most ${at(sorted.length - 1)} ms`;
}
