import { z } from "zod";
import { ConnectionId, ControllerId, DeliveryId, Did, SubjectId } from "./ids.ts";
import {
  ActivityPurpose,
  ConsentNature,
  ConsentPurpose,
  ConsentState,
  DataCategory,
  DeliveryStatus,
  IdentifierKind,
  LawfulBasis,
  RightsKind,
  SubjectStatus,
} from "./vocabulary.ts";

const time = z.iso.datetime();

/** What the commands print with `--json`: pseudonymous, like everything that leaves the hub. */
export const DeliveryView = z.object({
  id: DeliveryId,
  controller: ControllerId,
  connection: ConnectionId,
  connector: z.string(),
  /** Null when the platform's topic is not one that the connector declares. */
  topic: z.string().nullable(),
  status: DeliveryStatus,
  receivedAt: time,
  processedAt: time.nullable(),
  attempts: z.int(),
  /** `<code>: <what to do>` of the last failure. */
  error: z.string().nullable(),
});
export type DeliveryView = z.infer<typeof DeliveryView>;

export const SubjectView = z.object({
  id: SubjectId,
  did: Did,
  controller: ControllerId,
  identifiers: z.array(z.object({ kind: IdentifierKind, connection: ConnectionId })),
  status: SubjectStatus,
  mergedInto: SubjectId.nullable(),
  createdAt: time,
});
export type SubjectView = z.infer<typeof SubjectView>;

export const ActivityView = z.object({
  /** `<delivery>.<ordinal>`: the record of that delivery. */
  id: z.string(),
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
});
export type ActivityView = z.infer<typeof ActivityView>;

export const ConsentView = z.object({
  id: z.string(),
  controller: ControllerId,
  subject: SubjectId,
  connection: ConnectionId,
  purpose: ConsentPurpose,
  state: ConsentState,
  nature: ConsentNature,
  /** How the choice was collected, e.g. `double_opt_in`, `unsubscribe_link`. */
  method: z.string(),
  lawfulBasis: LawfulBasis,
  occurredAt: time,
  recordedAt: time,
  /** True for the record that decides the subject's current state for the purpose. */
  current: z.boolean(),
});
export type ConsentView = z.infer<typeof ConsentView>;

export const RightsRequestView = z.object({
  id: z.uuid(),
  controller: ControllerId,
  connection: ConnectionId,
  kind: RightsKind,
  /** `subject`: one person. `account`: everybody of the connection (Shopify `shop/redact`). */
  scope: z.enum(["subject", "account"]),
  subject: SubjectId.nullable(),
  status: z.enum(["received"]),
  receivedAt: time,
  dueAt: time,
});
export type RightsRequestView = z.infer<typeof RightsRequestView>;

export const ControllerView = z.object({
  id: ControllerId,
  did: Did,
  name: z.string(),
  environment: z.enum(["live", "sandbox"]),
  createdAt: time,
});
export type ControllerView = z.infer<typeof ControllerView>;

export const ConnectionView = z.object({
  id: ConnectionId,
  controller: ControllerId,
  connector: z.string(),
  account: z.string().nullable(),
  status: z.enum(["active", "uninstalled", "removed"]),
  url: z.string(),
  secrets: z.int(),
  createdAt: time,
});
export type ConnectionView = z.infer<typeof ConnectionView>;
