import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction } from "#database";
import { lockController } from "#identity";
import type { SubjectId } from "#schemas";
import { consentErrors } from "./errors.ts";
import { recordedEvent } from "./events.ts";
import { type ConsentChange, type NewConsent, type RecordedConsent, recordConsents } from "./ledger.ts";

/** What a person chose elsewhere than on a platform. */
export type ExpressedChoice = Pick<
  NewConsent,
  "purpose" | "state" | "method" | "lawfulBasis" | "jurisdiction" | "evidence" | "occurredAt"
>;

/**
 * Records choices that an operator took down, or a browser sent, as one act. Throws `consent/in-the-future`: it would
 * outrank every later choice.
 */
export async function recordChoices(
  tx: ControllerTransaction,
  subject: { readonly id: SubjectId; readonly auditReference: Uint8Array },
  source: "operator" | "browser",
  choices: readonly ExpressedChoice[],
): Promise<{ recorded: readonly RecordedConsent[]; changes: readonly ConsentChange[] }> {
  if (choices.some(({ occurredAt }) => Date.parse(occurredAt) > Date.now())) throw consentErrors.inFuture();
  const workflowId = uuid();
  await lockController(tx);
  const { recorded, changes } = await recordConsents(
    tx,
    choices.map((choice, ordinal) => ({
      ...choice,
      ...{ workflowId, ordinal, subjectId: subject.id, connectionId: null },
      ...{ nature: "expressed", source, reportedAt: choice.occurredAt },
    })),
  );
  await appendEvents(
    tx,
    recorded.map((record) => recordedEvent(record, subject.auditReference, source)),
  );
  return { recorded, changes };
}
