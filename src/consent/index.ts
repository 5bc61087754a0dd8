export {
  type ConsentChange,
  consentsChangedByMerges,
  listConsents,
  type NewConsent,
  recordConsents,
} from "./ledger.ts";
export { type Choice, currentState, type Decision, isOptOut, type Reason } from "./state.ts";
