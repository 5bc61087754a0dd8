import { fileURLToPath } from "node:url";

/** A place in the product's code that says something else in a changed build. */
export interface Change {
  /** From the project's root: `src/intake/inbox.ts`. */
  readonly file: string;
  /** Text that is there exactly once. */
  readonly at: string;
  readonly instead: string;
}

const PRELOAD = fileURLToPath(new URL("./changed-build-preload.ts", import.meta.url));

/**
 * What a process is started with so that it, and every process that it starts with `childEnvironment`, runs a build with these changes.
 * The product has no switch for it: its text is changed while it is loaded. A place that is not found ends the process.
 */
export function changedBuild(changes: readonly Change[]): Record<string, string> {
  return { NODE_OPTIONS: `--import=${PRELOAD}`, LETHE_PROVE_CHANGES: JSON.stringify(changes) };
}
