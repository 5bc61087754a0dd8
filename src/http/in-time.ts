import { setTimeout } from "node:timers/promises";

/** Milliseconds of which an answer takes a whole number. */
const BEAT = 50;

/** Resolves so that an answer, `started` by the process's clock, takes as long for everybody: who is known is nobody's business. */
export const inTime = (started: number): Promise<void> =>
  setTimeout(BEAT - ((performance.now() - started) % BEAT));
