import { z } from "zod";
import { ConnectionId, ControllerId, DeliveryId, Did, PushId, SubjectId } from "./ids.ts";
import {
  ActivityPurpose,
  ConsentMethod,
  ConsentSource,
  ConsentState,
  DataCategory,
  DeliveryStatus,
  IdentifierKind,
  Jurisdiction,
  LawfulBasis,
  Purpose,
  PushReason,
  PushStatus,
  RecordNature,
  RightsRegime,
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
