export {
  type ConsentChange,
  consentsChangedByMerges,
  listConsents,
  type NewConsent,
  recordConsents,
} from "./ledger.ts";
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
