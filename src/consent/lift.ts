import type { HeldConsent } from "#kit";
import type { PushReason, RecordNature } from "#schemas";
import { SKEW } from "./echo.ts";
import { type Direction, directionOf } from "./state.ts";

/** The grant that is to be brought to a platform. `occurredAt` in milliseconds. */
export interface Grant {
  readonly nature: RecordNature;
  readonly occurredAt: number;
}

/** What we know of an opt-out that a platform holds. Times in milliseconds. */
export interface KnownOptOut {
  /** The opt-outs of the person that it reported to us, by when they were made. */
  readonly reported: readonly number[];
  /** Whether what was last sent there, or seen there, was an opt-out of ours: made elsewhere, brought there by us. */
  readonly ours: boolean;
}

/** What is to be done about a grant: brought there, left to a person, or given up for an opt-out that we had not seen. */
export type Lift =
  | { readonly may: true }
  | { readonly may: false; readonly reason: PushReason }
  | { readonly may: false; readonly optedOutAt: string };

/**
 * Whether a grant may be set over what a platform holds. It lifts neither a block nor an opt-out that the person did not
 * lift: theirs has to be known to be older than a grant that they expressed.
 */
export function mayLift(grant: Grant, held: HeldConsent, known: KnownOptOut): Lift {
  if (held.blocked !== undefined) return { may: false, reason: held.blocked };
  if (held.state === "pending") return { may: false, reason: "confirmation_needed" };
  if (directionOf(held.state) !== ("withdrawn" satisfies Direction)) return { may: true };
  if (grant.nature !== "expressed") return { may: false, reason: "opt_out_there" };
  if (known.ours) return { may: true };
  const since = held.since === undefined ? undefined : Date.parse(held.since);
  const seen = known.reported.some(
    (at) => at < grant.occurredAt && (since === undefined || since <= at + SKEW),
  );
  if (seen || (since !== undefined && since < grant.occurredAt - SKEW)) return { may: true };
  return since === undefined
    ? { may: false, reason: "opt_out_there" }
    : { may: false, optedOutAt: new Date(since).toISOString() };
}
