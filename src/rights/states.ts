import type { RightsStatus } from "#schemas";
import { rightsErrors } from "./errors.ts";

/** Where a request may go from where it stands. */
export const MOVES: Readonly<Record<RightsStatus, readonly RightsStatus[]>> = {
  received: ["verifying", "verified", "denied", "cancelled"],
  verifying: ["verified", "denied", "expired", "cancelled"],
  verified: ["approved", "denied", "cancelled"],
  approved: ["fulfilling", "cancelled"],
  // What was done at a platform cannot be taken back: from here it goes to its end.
  fulfilling: ["fulfilled", "partly_fulfilled"],
  fulfilled: [],
  partly_fulfilled: [],
  denied: [],
  expired: [],
  cancelled: [],
};

export const isClosed = (status: RightsStatus): boolean => MOVES[status].length === 0;

/** Throws `rights/illegal-move`. */
export function checkMove(from: RightsStatus, to: RightsStatus): void {
  if (!MOVES[from].includes(to)) throw rightsErrors.illegalMove(from, to);
}
