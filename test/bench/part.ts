import type { Figure } from "./figures.ts";
import type { RunningHub } from "./running-hub.ts";

/** How much is measured. */
export interface Extent {
  /** For each timed round. */
  readonly seconds: number;
  readonly rounds: number;
  /** Sockets of the load generator, and sessions of those who insert rows. */
  readonly connections: number;
  /** Distinct orders that are sent at once and then processed. */
  readonly backlog: number;
  /** Deliveries that a large hub has stored. */
  readonly stored: number;
  /** Deliveries over which memory is watched. */
  readonly deliveries: number;
  /** Audit events that are sealed and verified. */
  readonly events: number;
}

export interface Bench extends Extent {
  /** A hub that no other part uses, unless little is measured. */
  hub(): Promise<RunningHub>;
  /** For whoever watches. */
  say(what: string): void;
  /** Runs one after the other so many times: what is compared in a round is measured within seconds. */
  repeat<T>(what: string, round: (number: number) => Promise<T>): Promise<T[]>;
}

/** One thing to measure, by itself. */
export interface Part {
  readonly name: string;
  /** In a line. */
  readonly about: string;
  run(bench: Bench): Promise<Figure[]>;
}
