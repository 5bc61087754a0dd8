export { addressesOf, type Claim, claimOf } from "./claim.ts";
export { didOf } from "./did.ts";
export { findByClaim, lockController } from "./known.ts";
export { type Linked, type LinkResult, linkClaims } from "./link.ts";
export { normaliseEmail } from "./normalise.ts";
export { platformReferences, referencesAt } from "./reference.ts";
export type { Merge } from "./save.ts";
export { openForSubject, type SubjectKey, sealForSubject } from "./subject.ts";
export { findSubjects, listSubjects, subjectById } from "./view.ts";
