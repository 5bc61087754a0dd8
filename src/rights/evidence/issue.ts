import { createProof, proveWorkflow, receiptKeyId } from "#audit";
import { type ControllerTransaction, eq, tables } from "#database";
import { RightsEvidence } from "#schemas";
import type { ControllerKeys } from "#vault";
import { rightsErrors } from "../errors.ts";
import { isClosed } from "../states.ts";
import { showRightsRequest } from "../view.ts";

const DAY = 86_400_000;

/**
 * The signed evidence of a closed request, in its controller's name. Throws `rights/unknown`, `rights/not-closed`, and
 * `rights/not-sealed-yet` until the log covers its last event.
 */
export async function issueEvidence(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  id: string,
  options: { readonly backupDays: number; readonly now: Date },
): Promise<RightsEvidence> {
  const shown = await showRightsRequest(tx, keys, id);
  if (shown === undefined) throw rightsErrors.unknown();
  const { closedAt, kind, scope, regime, source, connector, status, verification } = shown;
  if (!isClosed(status) || closedAt === null) throw rightsErrors.notClosed();
  const [controller] = await tx.db
    .select({ did: tables.controller.did, name: tables.controller.name })
    .from(tables.controller)
    .where(eq(tables.controller.controllerId, tx.controllerId));
  const events = (await proveWorkflow(tx, id)).flatMap(({ entry, proof }) => {
    if (proof === undefined) throw rightsErrors.noEvidenceYet();
    return { entry, proof };
  });
  if (controller === undefined || events.length === 0) throw rightsErrors.noEvidenceYet();
  const own = shown.platforms.find(({ connection }) => connection === null);
  const erased = kind === "erasure" && own?.status === "done_verified" ? own.settledAt : null;
  const report = {
    "@context": ["https://w3id.org/security/data-integrity/v2"],
    format: "lethe-rights-evidence/1",
    controller,
    request: {
      ...{ id: shown.id, kind, scope, regime, source, connector, status, verification },
      ...{ denialReason: shown.denialReason, extensionReason: shown.extensionReason },
    },
    clock: {
      timeZone: shown.timeZone,
      receivedAt: shown.receivedAt,
      startedAt: shown.clock.startsAt,
      pauses: shown.pauses,
      acknowledgeBy: shown.acknowledgeBy,
      acknowledgedAt: shown.acknowledgedAt,
      answerBy: shown.dueAt,
      closedAt,
      inTime: shown.dueAt === null ? null : closedAt <= shown.dueAt,
    },
    ...{ moves: shown.moves, platforms: shown.platforms, notices: shown.notices },
    erasure:
      erased === null
        ? null
        : {
            erasedAt: erased,
            backupsGoneBy: new Date(Date.parse(erased) + options.backupDays * DAY).toISOString(),
          },
    audit: { workflow: shown.id, events },
    issuedAt: options.now.toISOString(),
  };
  const { key, version } = keys.current("checkpoint");
  const proof = createProof(
    report,
    {
      ...{ type: "DataIntegrityProof", cryptosuite: "eddsa-jcs-2022", proofPurpose: "assertionMethod" },
      ...{ created: report.issuedAt, verificationMethod: receiptKeyId(controller.did, version) },
    },
    key,
  );
  return RightsEvidence.parse({ ...report, proof });
}
