import { z } from "zod";
import { ConnectionId, ControllerId, DeliveryId, RightsRequestId, RightsTaskId, SubjectId } from "./ids.ts";
import {
  DataCategory,
  DenialReason,
  ExtensionReason,
  HoldGround,
  LawfulBasis,
  RightsKind,
  RightsNotice,
  RightsRegime,
  RightsSource,
  RightsStatus,
  RightsTaskReason,
  RightsTaskStatus,
  RightsVerification,
} from "./vocabulary.ts";

const time = z.iso.datetime();

// What the commands print of rights requests with `--json`: pseudonymous, like everything that leaves the hub.

export const SightingView = z
  .object({
    controller: ControllerId,
    delivery: DeliveryId,
    connection: ConnectionId.nullable(),
    connector: z.string().nullable(),
    seenAt: time,
  })
  .describe("A webhook about somebody who was erased: a platform still has them.");
export type SightingView = z.infer<typeof SightingView>;

export const RightsRequestView = z
  .object({
    id: RightsRequestId,
    controller: ControllerId,
    source: RightsSource,
    connection: ConnectionId.nullable().describe("The connection that it came through."),
    connector: z.string().nullable(),
    kind: RightsKind,
    scope: z
      .enum(["subject", "account"])
      .describe("`subject`: one person. `account`: everybody of the connection."),
    regime: RightsRegime,
    subject: SubjectId.nullable().describe("Null while nobody is known by it, and after an erasure."),
    status: RightsStatus,
    verification: RightsVerification.nullable().describe("How the person was verified."),
    denialReason: DenialReason.nullable(),
    extensionReason: ExtensionReason.nullable(),
    receivedAt: time,
    acknowledgedAt: time.nullable(),
    verifiedAt: time.nullable(),
    closedAt: time.nullable(),
    acknowledgeBy: time.nullable(),
    dueAt: time.nullable().describe("Null while its clock has not started, or stands still."),
    paused: z.boolean(),
    overdue: z.boolean(),
    tasks: z.int(),
    toHandOver: z.boolean().describe("A file waits to be given to the person (`lethe rights bundle`)."),
    waiting: z.int().describe("Tasks that wait for somebody: manual or failed ones."),
  })
  .describe("One request of a data subject to exercise a right, or of a platform on their behalf.");
export type RightsRequestView = z.infer<typeof RightsRequestView>;

export const RightsTaskView = z
  .object({
    id: RightsTaskId,
    connection: ConnectionId.nullable().describe("Null for what the hub itself does."),
    connector: z.string().nullable(),
    status: RightsTaskStatus,
    reason: RightsTaskReason.nullable(),
    entries: z
      .int()
      .nullable()
      .describe("Customers, contacts or profiles of the person that were found there."),
    basis: LawfulBasis.nullable().describe("Why something is kept."),
    categories: z.array(DataCategory).nullable().describe("What is kept."),
    until: time.nullable().describe("Until when; null where nobody can say."),
    attempts: z.int(),
    error: z.string().nullable(),
    actor: z.string().nullable(),
    note: z.string().nullable().describe("What somebody wrote down who did it by hand."),
    settledAt: time.nullable(),
  })
  .describe("What became of a rights request at one platform.");
export type RightsTaskView = z.infer<typeof RightsTaskView>;

export const LegalHoldView = z
  .object({
    id: z.uuid(),
    controller: ControllerId,
    subject: SubjectId,
    ground: HoldGround,
    reference: z.string(),
    placedAt: time,
  })
  .describe("Why nothing of a person may be erased for now (GDPR Art. 17(3)).");
export type LegalHoldView = z.infer<typeof LegalHoldView>;

export const RightsCaseView = RightsRequestView.extend({
  timeZone: z.string().describe("In which the days of its deadlines end."),
  clock: z.object({
    startsAt: time.nullable(),
    acknowledgeBy: time.nullable(),
    answerBy: time.nullable(),
    extendBefore: time.nullable(),
    extensionUntil: time.nullable(),
  }),
  pauses: z.array(z.object({ from: time, until: time.nullable() })),
  moves: z.array(
    z.object({
      from: RightsStatus.nullable(),
      to: RightsStatus,
      actor: z.string(),
      reason: z.string().nullable(),
      note: z.string().nullable(),
      at: time,
    }),
  ),
  platforms: z.array(RightsTaskView),
  notices: z
    .array(
      z.object({
        id: z.uuid(),
        notice: RightsNotice,
        status: z.enum(["open", "sent", "failed", "nobody"]),
        error: z.string().nullable(),
        createdAt: time,
        settledAt: time.nullable(),
      }),
    )
    .describe("Who was told what. `nobody`: there was no address, or no mail server."),
  holds: z.array(LegalHoldView).describe("Why it cannot be approved."),
  downloadUntil: time.nullable().describe("Until when what was collected can be downloaded."),
}).describe("Everything about one rights request.");
export type RightsCaseView = z.infer<typeof RightsCaseView>;
