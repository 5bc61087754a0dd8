export { appendEvents, type EventDraft } from "./append.ts";
export { latestCheckpoint, type Witness } from "./checkpoint.ts";
export { didDocument } from "./did-document.ts";
export { FAULTS, type FaultCode } from "./errors.ts";
export { exportLog } from "./export.ts";
export { proveConsistency, proveEvent } from "./proof.ts";
export { type Sequencer, startSequencer } from "./sequencer.ts";
export type { Fault, LogOwner, LogReport } from "./verify.ts";
export { type AuditReport, verifyAll } from "./verify-all.ts";
