import { z } from "zod";
import { Did, RightsRequestId } from "./ids.ts";
import { RightsCaseView, RightsTaskView } from "./rights-views.ts";
import {
  DenialReason,
  ExtensionReason,
  RightsKind,
  RightsRegime,
  RightsSource,
  RightsStatus,
  RightsVerification,
} from "./vocabulary.ts";

const time = z.iso.datetime();

/** The signed report of a closed rights request: what a regulator is shown. Nobody can be known by it. */
export const RightsEvidence = z
  .strictObject({
    "@context": z.tuple([z.literal("https://w3id.org/security/data-integrity/v2")]),
    format: z.literal("lethe-rights-evidence/1"),
    controller: z.strictObject({ did: Did, name: z.string() }),
    request: z.strictObject({
      id: RightsRequestId,
      kind: RightsKind,
      scope: z.enum(["subject", "account"]),
      regime: RightsRegime,
      source: RightsSource,
      connector: z.string().nullable(),
      status: RightsStatus,
      verification: RightsVerification.nullable(),
      denialReason: DenialReason.nullable(),
      extensionReason: ExtensionReason.nullable(),
    }),
    clock: z.strictObject({
      timeZone: z.string().describe("In which the days of the deadlines end."),
      receivedAt: time,
      startedAt: time.nullable(),
      pauses: RightsCaseView.shape.pauses,
      acknowledgeBy: time.nullable(),
      acknowledgedAt: time.nullable(),
      answerBy: time.nullable(),
      closedAt: time,
      inTime: z.boolean().nullable().describe("Null where nobody set a time."),
    }),
    moves: RightsCaseView.shape.moves,
    platforms: z.array(RightsTaskView),
    notices: RightsCaseView.shape.notices,
    erasure: z
      .strictObject({
        erasedAt: time,
        backupsGoneBy: time.describe(
          "Until when backups of the database may still hold what was erased, sealed.",
        ),
      })
      .nullable(),
    audit: z.strictObject({
      workflow: RightsRequestId,
      events: z.array(z.strictObject({ entry: z.string(), proof: z.string() })),
    }),
    issuedAt: time,
    proof: z.looseObject({
      type: z.literal("DataIntegrityProof"),
      cryptosuite: z.literal("eddsa-jcs-2022"),
      verificationMethod: z.string(),
      proofValue: z.string(),
    }),
  })
  .describe(
    "The signed report of a closed rights request: times against clocks, moves, what became of it at each platform; with every event of its audit chain and the proof that it is in the log.",
  );
export type RightsEvidence = z.infer<typeof RightsEvidence>;
