export { appendEvents, type EventDraft } from "./append.ts";
export { latestCheckpoint, type Witness } from "./checkpoint.ts";
export {
  asJson,
  createProof,
  isObject,
  type Json,
  type ProofOptions,
  verifyProof,
} from "./data-integrity.ts";
export { didDocument, receiptKeyId } from "./did-document.ts";
export { assertionKey, type DidKeys, logKeys, readDidDocument } from "./did-keys.ts";
export { FAULTS, type FaultCode } from "./errors.ts";
export { exportLog } from "./export.ts";
export { checkHead, type Head } from "./head.ts";
export { type ProvenEvent, proveConsistency, proveEvent, proveWorkflow } from "./proof.ts";
export { type Sequencer, startSequencer } from "./sequencer.ts";
export { lastOfStanding, type Standing, standingChain } from "./standing.ts";
export type { Fault, LogOwner, LogReport } from "./verify.ts";
export { type AuditReport, verifyAll } from "./verify-all.ts";
export {
  type EventVerification,
  PROOF_FAULTS,
  type ProofFault,
  type VerifiedEvent,
  verifyEventProof,
  verifyWorkflowProof,
  type WorkflowVerification,
} from "./verify-proof.ts";
