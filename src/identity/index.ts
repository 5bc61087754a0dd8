export { type Claim, claimOf } from "./claim.ts";
export { didOf } from "./did.ts";
export { type Linked, type LinkResult, linkClaims } from "./link.ts";
export type { Merge } from "./save.ts";
export { findSubjects, listSubjects } from "./view.ts";
