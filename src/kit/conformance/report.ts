import { ADVICE } from "./advice.ts";

/** One thing that was checked, ready to be shown. */
export interface Check {
  /** What must hold, as a sentence about the connector: `refuses a changed body`. */
  readonly name: string;
  /** The fixture that it was tried with; absent where it is about the connector as a whole. */
  readonly fixture?: string;
  readonly ok: boolean;
  /** What is wrong, a line each. It may quote the fixture, which is the author's own; empty if nothing is wrong. */
  readonly detail: string;
  /** What to do about it; absent if nothing is wrong. */
  readonly advice?: string;
  /** Why there was nothing to check; such a check is `ok`. */
  readonly skipped?: string;
}

export interface Report {
  /** The connector's id. */
  readonly connector: string;
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/** A check that is still to be made. It says what is wrong, or nothing, or why it does not apply. */
export interface PlannedCheck {
  readonly name: string;
  readonly fixture?: string;
  /** Why it does not apply, where that is known before it is made. */
  readonly skipped?: string;
  readonly run: () => Found | Promise<Found>;
}

export type Found = readonly string[] | Skipped;

export interface Skipped {
  readonly skipped: string;
}

/** The most faults that one check shows: the first tells as much as the thousandth. */
const SHOWN = 5;

/** Makes a check. Whatever is thrown while it is made is a fault. */
export async function make({ name, fixture, run }: PlannedCheck): Promise<Check> {
  const about = { name, ...(fixture === undefined ? {} : { fixture }) };
  let found: Found;
  try {
    found = await run();
  } catch (error) {
    found = [`it threw ${String(error)}`];
  }
  if ("skipped" in found) return { ...about, ok: true, detail: "", skipped: found.skipped };
  const faults = found;
  const more = faults.length - SHOWN;
  const shown = more > 0 ? [...faults.slice(0, SHOWN), `and ${more} more`] : faults;
  if (faults.length === 0) return { ...about, ok: true, detail: "" };
  const advice = ADVICE[name];
  return { ...about, ok: false, detail: shown.join("\n"), ...(advice === undefined ? {} : { advice }) };
}
