import type { Change } from "./changed-build.ts";

/** Tries to break one of the hub's promises, for as long as it is given. */
export interface Harness {
  readonly name: string;
  /** What it tries to break, in a line. */
  readonly promise: string;
  /** Builds in which the promise does not hold. Each must be found out before a figure of this build counts. */
  readonly brokenBuilds: readonly BrokenBuild[];
  /** Figures that must be above zero, so that nothing passes for having tried nothing. */
  readonly tried: readonly string[];
  run(dose: Dose): Promise<Outcome>;
}

export interface BrokenBuild {
  /** What is wrong with it: "acknowledges before the commit". */
  readonly what: string;
  readonly changes: readonly Change[];
  /** What must be found: one of `Outcome.broken`. Any other fault is not what is wrong with it. */
  readonly by: RegExp;
  /** Seconds in which it is found out for sure. */
  readonly seconds: number;
}

export interface Dose {
  /** In which all of it should be done; what has begun is finished. */
  readonly milliseconds: number;
  readonly seed: number;
  /** Uniform in [0, 1), by the seed. */
  readonly random: () => number;
  /** Whether the time is up. */
  over(): boolean;
  /** Whether this runs a broken build that is found out by what is broken so far: it need not go on. */
  foundOut(broken: readonly string[]): boolean;
  /** URL of a PostgreSQL whose role may make databases, with the template of `test/support/database.ts` in it. */
  server(): Promise<string>;
  /** For whoever watches: what is under way, and how much is done. */
  progress(text: string): void;
}

export interface Outcome {
  /** In the order in which they are shown. Counts, or texts with their unit. */
  readonly figures: Readonly<Record<string, number | string>>;
  /** What was broken, each so that it can be had again. Empty: the promise held. */
  readonly broken: readonly string[];
}

/** What to say of figures that are not above zero and must be. */
export function untried({ tried }: Pick<Harness, "tried">, figures: Outcome["figures"]): string[] {
  return tried
    .filter((one) => !(Number(figures[one]) > 0))
    .map((one) => `proves nothing: "${one}" is not above 0`);
}

/** Whether it is what was to be found, and not some other fault. */
export const isAmong = (by: RegExp, broken: readonly string[]): boolean => broken.some((one) => by.test(one));

/** Seeded, so that a failure can be had again: mulberry32. */
export function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
