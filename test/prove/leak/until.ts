import { setTimeout } from "node:timers/promises";

/** Milliseconds that anything may take, on a machine that is busy with much else. */
const PATIENCE = 60_000;

/** Waits for what a hub does by itself. Throws if that does not come. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it did not come to it that ${what}`);
    await setTimeout(60);
  }
}
