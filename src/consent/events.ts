import type { EventDraft } from "#audit";
import type { ConnectionId, Purpose, PushId, PushReason } from "#schemas";
import type { RecordedConsent } from "./ledger.ts";
import type { Direction } from "./state.ts";

/** What the audit log says of a record of the ledger. `subject` is the subject's keyed reference. */
export function recordedEvent(record: RecordedConsent, subject: Uint8Array, actor: string): EventDraft {
  const { workflowId, ordinal, purpose, state, nature, source } = record;
  return {
    workflow: workflowId,
    type: "consent.recorded",
    entity: `consent:${workflowId}.${ordinal}`,
    ...{ actor, subject },
    facts: { purpose, state, nature, source },
  };
}

/** What it says of a platform that was, or was not, brought in step. */
export function pushedEvent(
  push: {
    readonly id: PushId;
    readonly purpose: Purpose;
    readonly state: Direction;
    readonly connector: string;
    readonly connectionId: ConnectionId;
    readonly auditReference: Uint8Array;
  },
  outcome: { readonly status: string; readonly reason?: PushReason | undefined; readonly error?: string },
): EventDraft {
  const { status, reason, error } = outcome;
  return {
    workflow: push.id,
    type: "consent.pushed",
    entity: `connection:${push.connectionId}`,
    actor: "hub",
    subject: push.auditReference,
    facts: {
      ...{ purpose: push.purpose, state: push.state, connector: push.connector, outcome: status },
      ...(reason === undefined ? {} : { reason }),
      ...(error === undefined ? {} : { error }),
    },
  };
}
