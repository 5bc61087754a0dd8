import { z } from "zod";
import {
  ConnectionId,
  ControllerId,
  DeliveryId,
  Did,
  PushId,
  RightsRequestId,
  RightsTaskId,
  SubjectId,
} from "./ids.ts";
import {
  ActivityPurpose,
  ConsentMethod,
  ConsentSource,
  ConsentState,
  DataCategory,
  DeliveryStatus,
  DenialReason,
  ExtensionReason,
  HoldGround,
  IdentifierKind,
  Jurisdiction,
  LawfulBasis,
  Purpose,
  PushReason,
  PushStatus,
  RecordNature,
  RightsKind,
  RightsNotice,
  RightsRegime,
  RightsSource,
  RightsStatus,
  RightsTaskReason,
  RightsTaskStatus,
  RightsVerification,
  SubjectStatus,
} from "./vocabulary.ts";

const time = z.iso.datetime();

// What the commands print with `--json`: pseudonymous, like everything that leaves the hub.

export const DeliveryView = z
  .object({
    id: DeliveryId,
    controller: ControllerId,
    connection: ConnectionId,
    connector: z.string(),
    topic: z
      .string()
      .nullable()
      .describe("Null when the platform's topic is not one that the connector declares."),
    status: DeliveryStatus,
    receivedAt: time,
    processedAt: time.nullable(),
    attempts: z.int(),
    error: z.string().nullable().describe("`<code>: <what to do>` of the last failure."),
  })
  .describe("One webhook request that passed verification, as it stands in the inbox.");
export type DeliveryView = z.infer<typeof DeliveryView>;

export const SubjectView = z
  .object({
    id: SubjectId,
    did: Did,
    controller: ControllerId,
    identifiers: z.array(z.object({ kind: IdentifierKind, connection: ConnectionId })),
    status: SubjectStatus,
    mergedInto: SubjectId.nullable(),
    createdAt: time,
  })
  .describe("One data subject: the person behind linked identifiers, within one controller.");
export type SubjectView = z.infer<typeof SubjectView>;

export const ActivityView = z
  .object({
    id: z.string().describe("`<delivery>.<ordinal>`: the record of that delivery."),
    controller: ControllerId,
    subject: SubjectId,
    connection: ConnectionId,
    connector: z.string(),
    activity: z.string(),
    purpose: ActivityPurpose,
    lawfulBasis: LawfulBasis,
    dataCategories: z.array(DataCategory),
    recipient: z.string(),
    occurredAt: time,
    recordedAt: time,
  })
  .describe(
    "One thing done with a subject's personal data: an entry of the record of processing activities.",
  );
export type ActivityView = z.infer<typeof ActivityView>;

export const ConsentView = z
  .object({
    id: z.string().describe("`<workflow>.<ordinal>`: the delivery, or the act, that it came with."),
    controller: ControllerId,
    subject: SubjectId,
    purpose: Purpose,
    state: ConsentState,
    nature: RecordNature,
    source: ConsentSource,
    connection: ConnectionId.nullable().describe("Null for what no platform reported."),
    method: ConsentMethod,
    lawfulBasis: LawfulBasis,
    jurisdiction: Jurisdiction.nullable(),
    evidence: z
      .string()
      .nullable()
      .describe("Where the proof is: `delivery:<id>`, or the reference that was given."),
    occurredAt: time,
    recordedAt: time,
    current: z
      .boolean()
      .describe("True for the record that decides the subject's current state for the purpose."),
  })
  .describe("One choice of a subject for one purpose, from the append-only ledger.");
export type ConsentView = z.infer<typeof ConsentView>;

export const PurposeView = z
  .object({
    id: Purpose,
    controller: ControllerId,
    title: z.string(),
    own: z.boolean().describe("True for one that the controller added."),
  })
  .describe("A purpose that people can be asked to consent to.");
export type PurposeView = z.infer<typeof PurposeView>;

export const PushView = z
  .object({
    id: PushId,
    controller: ControllerId,
    subject: SubjectId,
    purpose: Purpose,
    connection: ConnectionId,
    connector: z.string(),
    state: ConsentState.describe("What the platform is, or was, to hold."),
    status: PushStatus,
    reason: PushReason.nullable(),
    error: z.string().nullable().describe("`<code>: <what to do>` of the last failure."),
    attempts: z.int(),
    requestedAt: time,
    settledAt: time.nullable(),
  })
  .describe("One platform brought in step with a subject's choice, or why not.");
export type PushView = z.infer<typeof PushView>;

export const ConsentHistoryView = z
  .object({
    controller: ControllerId,
    subject: SubjectId,
    purpose: Purpose,
    state: ConsentState.nullable().describe("Null where nobody chose or reported anything."),
    reason: z
      .enum(["latest_choice", "opt_out_wins_tie", "opt_out_reported", "latest_report"])
      .nullable()
      .describe("The part of the conflict rule that decided."),
    since: time.nullable(),
    records: z
      .array(
        ConsentView.extend({
          verdict: z.enum(["decides", "older", "repeated", "outweighed", "report_only", "echo"]),
        }),
      )
      .describe("Newest first."),
    platforms: z.array(PushView).describe("What became of bringing platforms in step, the last of each."),
  })
  .describe("A subject's consent for a purpose: what it is, why, and where it was brought.");
export type ConsentHistoryView = z.infer<typeof ConsentHistoryView>;

export const DriftView = z
  .object({
    controller: ControllerId,
    subject: SubjectId,
    connection: ConnectionId,
    connector: z.string(),
    purpose: Purpose,
    ledger: ConsentState,
    platform: ConsentState,
    since: time.nullable().describe("Since when the platform holds it, where it tells."),
    repair: z.boolean().describe("True when it is being brought in step."),
  })
  .describe("A platform that holds another consent than the ledger.");
export type DriftView = z.infer<typeof DriftView>;

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

export const ControllerView = z
  .object({
    id: ControllerId,
    did: Did,
    name: z.string(),
    environment: z.enum(["live", "sandbox"]),
    regime: RightsRegime.describe("The law that rights requests are answered by unless they say otherwise."),
    timeZone: z.string().describe("IANA: in which the days of deadlines end."),
    holidays: z.string().describe("Whose holidays are no business days."),
    dpdpDays: z.int().describe("The period that it publishes under India's DPDP Rules, in days."),
    createdAt: time,
  })
  .describe("One data controller (GDPR Art. 4(7)): the tenant to which everything else belongs.");
export type ControllerView = z.infer<typeof ControllerView>;

export const ConnectionView = z
  .object({
    id: ConnectionId,
    controller: ControllerId,
    connector: z.string(),
    account: z.string().nullable(),
    status: z.enum(["active", "uninstalled", "removed"]),
    url: z.string(),
    secrets: z.int(),
    createdAt: time,
  })
  .describe("One controller's configured instance of a connector.");
export type ConnectionView = z.infer<typeof ConnectionView>;
