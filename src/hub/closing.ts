import { setTimeout as sleep } from "node:timers/promises";
import { LetheError } from "#schemas";

/** A part of the hub that is open. */
export interface Part {
  readonly name: string;
  /** Milliseconds after the stop began by which it is closed. What those before it did not use is its own. */
  readonly by: number;
  /** Closes it; `left` is how many milliseconds it has. */
  close(left: number): Promise<void> | void;
}

/**
 * Closes the parts, the last opened first, each whatever became of those before it.
 * Throws the first error once all were tried, `hub/slow-stop` if a part took longer than it may.
 */
export async function closeParts(parts: readonly Part[]): Promise<void> {
  const began = performance.now();
  const errors: unknown[] = [];
  for (const part of parts.toReversed()) {
    const left = Math.max(0, part.by - (performance.now() - began));
    await closeWithin(part, left).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}

async function closeWithin({ name, close }: Part, left: number): Promise<void> {
  const over = new AbortController();
  const late = sleep(left, undefined, { signal: over.signal }).then(() => {
    throw new LetheError(
      "hub/slow-stop",
      `the hub stopped without waiting any longer for ${name}; nothing acknowledged is lost, and the next start goes on from there`,
    );
  });
  late.catch(() => {});
  try {
    await Promise.race([close(left), late]);
  } finally {
    over.abort();
  }
}
