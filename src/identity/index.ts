export { type Claim, claimOf } from "./claim.ts";
export { didOf } from "./did.ts";
export { type Linked, type LinkResult, linkClaims } from "./link.ts";
export { findSubjects, listSubjects } from "./view.ts";
