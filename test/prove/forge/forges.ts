import { changedBodies, signedChanges } from "./bodies.ts";
import { changedEnvelopes } from "./envelopes.ts";
import type { Forge } from "./forgery.ts";
import { ambiguousFramings } from "./framings.ts";
import { hostileBodies } from "./hostile.ts";
import { forgedProofs } from "./proofs.ts";
import { wrongTimes } from "./times.ts";

/** Every family of attempts, those first that find the most. */
export const FORGES: readonly Forge[] = [
  forgedProofs,
  changedBodies,
  wrongTimes,
  changedEnvelopes,
  hostileBodies,
  signedChanges,
  ambiguousFramings,
];
