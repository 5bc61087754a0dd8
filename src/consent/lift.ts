import type { HeldConsent } from "#kit";
import type { PushReason, RecordNature } from "#schemas";
import { DOUBT, SKEW } from "./echo.ts";
import { directionOf } from "./state.ts";

/** The grant that is to be brought to a platform. `occurredAt` in milliseconds. */
export interface Grant {
  readonly nature: RecordNature;
  readonly occurredAt: number;
}

/** What we know of what a platform holds. Times in milliseconds. */
export interface KnownThere {
  /** When we last sent an opt-out there, if that is the last that is known of the platform. */
  readonly ours: number | undefined;
  /** The last choice of the person that it reported: when they made it, and whether it was an opt-out. */
  readonly reported: { readonly occurredAt: number; readonly optOut: boolean } | undefined;
}

/** What is to be done about a grant: brought there, left to a person, or given up for an opt-out that we had not seen. */
export type Lift =
  | { readonly may: true }
  | { readonly may: false; readonly reason: PushReason }
  | { readonly may: false; readonly optedOutAt: string };

/** Milliseconds that a platform may take to carry out an opt-out that we sent. */
const LANDING = 600_000;

/**
 * Whether a grant may be set over what a platform holds. It lifts neither a block nor an opt-out that the person did not
 * lift: theirs has to be known to be older than a grant that they expressed, or to have been brought there by us.
 */
export function mayLift(grant: Grant, held: HeldConsent, known: KnownThere): Lift {
  if (held.blocked !== undefined) return { may: false, reason: held.blocked };
  if (held.state === "pending") return { may: false, reason: "confirmation_needed" };
  if (directionOf(held.state) !== "withdrawn") return { may: true };
  if (grant.nature !== "expressed") return { may: false, reason: "opt_out_there" };
  const { ours, reported } = known;
  if (held.since === undefined) {
    const older = reported?.optOut === true && reported.occurredAt < grant.occurredAt;
    return ours !== undefined || older ? { may: true } : { may: false, reason: "opt_out_there" };
  }
  const since = Date.parse(held.since);
  const brought = ours !== undefined && since >= ours - SKEW && since <= ours + LANDING;
  if (brought || since < grant.occurredAt - DOUBT) return { may: true };
  // Of choices at the same time, as far as clocks can tell, the opt-out counts: it is recorded as the later one.
  return { may: false, optedOutAt: new Date(Math.max(since, grant.occurredAt + 1)).toISOString() };
}
