import { LetheError } from "#schemas";

export const auditErrors = {
  tooLarge: () => new LetheError("audit/entry-too-large", "an audit entry may have 64 KiB"),
  notExported: (detail: string) => new LetheError("audit/not-exported", detail),
};

/** What verification can find. Stable codes: scripts and reports rely on them. */
export const FAULTS = {
  "audit/entry-altered": "an entry is not the one that was logged",
  "audit/entry-missing": "an entry was removed",
  "audit/event-inserted": "an event was slipped into the past",
  "audit/column-altered": "a column does not say what its entry says",
  "audit/chain-broken": "a workflow's events do not follow one another",
  "audit/sequence-broken": "the log's numbering has a gap or a repeat",
  "audit/tile-altered": "a stored tile does not hold the log's hashes",
  "audit/state-altered": "the log's recorded size or frontier is not what its leaves give",
  "audit/checkpoint-forged": "a checkpoint is not signed by the controller's key",
  "audit/root-mismatch": "the log's root is not what a signed checkpoint says",
  "audit/log-truncated": "the log is shorter than a signed checkpoint says",
  "audit/checkpoint-missing": "a checkpoint that the hub's log witnesses, or that is held outside, is gone",
  "audit/checkpoint-unwitnessed": "a checkpoint is not in the hub's log",
} as const;
export type FaultCode = keyof typeof FAULTS;
