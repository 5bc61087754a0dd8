export { addressesOf, type Claim, claimOf, type Identifier } from "./claim.ts";
export { didOf } from "./did.ts";
export {
  beginEpoch,
  destroyEpochs,
  type Epoch,
  knowEpochsOf,
  listEpochs,
  lockEpoch,
  moveToEpoch,
  settledIn,
} from "./epochs.ts";
export { beginErasure, endErasure, forgetConnection, type Leaving, onlyKnownThrough } from "./erase.ts";
export { findByClaim, lockController } from "./known.ts";
export { type Linked, type LinkResult, linkClaims } from "./link.ts";
export { foldEmail, normaliseEmail, normalisePhone } from "./normalise.ts";
export { readmit } from "./readmit.ts";
export { platformReferences, referencesAt } from "./reference.ts";
export { liftRestriction, restrictedAmong, restrictSubject } from "./restriction.ts";
export type { Merge } from "./save.ts";
export { openForSubject, type SubjectKey, sealForSubject } from "./subject.ts";
export { listSightings, noteSightings, raiseTombstones } from "./tombstone.ts";
export { findSubjects, listSubjects, subjectById } from "./view.ts";
