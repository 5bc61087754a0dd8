import { setImmediate } from "node:timers/promises";

/** Milliseconds of work in one go. Platforms wait for an answer, processing can wait. */
const SLICE = 2;

/** To be awaited in long loops: lets the process answer what came in meanwhile, whenever a slice of time is used up. */
export function breather(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < SLICE) return;
    await setImmediate();
    began = performance.now();
  };
}
