export {
  type ConsentChange,
  consentsChangedByMerges,
  listConsents,
  type NewConsent,
  recordConsents,
} from "./ledger.ts";
export type { SignalChoice } from "./signals/choice.ts";
export { readSignals, type Signals } from "./signals/read.ts";
export { type Choice, currentState, type Decision, isOptOut, type Reason } from "./state.ts";
