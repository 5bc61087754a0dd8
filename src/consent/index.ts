export { bringInStep, readBack } from "./bring.ts";
export { browserSecret, expressedBy, newsOf, rotateBrowserSecret } from "./browser.ts";
export { type ExpressedChoice, recordChoices } from "./choose.ts";
export { forgetContacts, keepContacts } from "./contact.ts";
export {
  type Comparable,
  comparables,
  compare,
  type Difference,
  isOfUnknownAge,
  recordDifferences,
  subjectsWithChoices,
} from "./drift.ts";
export { forgottenChanges, noteDue } from "./due.ts";
export { consentErrors } from "./errors.ts";
export { recordedEvent } from "./events.ts";
export { explain, type Verdict } from "./explain.ts";
export { forgetConsent } from "./forget.ts";
export {
  type ConsentChange,
  type NewConsent,
  optOutsOf,
  type RecordedConsent,
  recordConsents,
} from "./ledger.ts";
export { consentsChangedByMerges, movePushes } from "./merges.ts";
export { type PlannedPush, planPushes } from "./plan.ts";
export { addPurpose, checkPurpose, listPurposes } from "./purposes.ts";
export {
  type AfterPush,
  confirmPush,
  endPush,
  findPush,
  forgottenPushes,
  notePushFailure,
  noteSending,
  reopenPushes,
  settlePush,
  taskOf,
} from "./push.ts";
export { issueReceipt } from "./receipt/issue.ts";
export {
  consentReceipt,
  type ReceiptEvent,
  type ReceiptFacts,
  type UnsignedReceipt,
} from "./receipt/receipt.ts";
export { signReceipt } from "./receipt/sign.ts";
export {
  RECEIPT_FAULTS,
  type ReceiptFault,
  type ReceiptVerification,
  verifyReceipt,
} from "./receipt/verify.ts";
export type { SignalChoice } from "./signals/choice.ts";
export { readSignals, type Signals } from "./signals/read.ts";
export { type Choice, currentState, type Decision, isOptOut, type Reason } from "./state.ts";
export { listConsents, listPushes, pushBacklog, showConsents } from "./view.ts";
