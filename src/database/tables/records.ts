import type {
  ActivityPurpose,
  ConnectionId,
  ConsentNature,
  ConsentPurpose,
  ConsentState,
  DataCategory,
  DeliveryId,
  LawfulBasis,
  RightsKind,
  SubjectId,
} from "#schemas";
import { pg, sql } from "../drizzle.ts";
import { appRole, bytea, controllerId, instant, isolation, lethe } from "./shared.ts";

/** Which record of which delivery: the key that makes an effect happen once. */
const effect = () => ({
  controllerId: controllerId(),
  deliveryId: pg.uuid("delivery_id").$type<DeliveryId>().notNull(),
  ordinal: pg.integer("ordinal").notNull(),
});

export const processingActivity = lethe.table(
  "processing_activity",
  {
    ...effect(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>().notNull(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    activity: pg.text("activity").notNull(),
    purpose: pg.text("purpose").$type<ActivityPurpose>().notNull(),
    lawfulBasis: pg.text("lawful_basis").$type<LawfulBasis>().notNull(),
    dataCategories: pg.text("data_categories").array().$type<DataCategory[]>().notNull(),
    recipient: pg.text("recipient").notNull(),
    occurredAt: instant("occurred_at").notNull(),
    recordedAt: instant("recorded_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.deliveryId, t.ordinal] }),
    pg.index("processing_activity_subject").on(t.controllerId, t.subjectId),
    isolation(appRole),
  ],
);

/** The consent ledger. Append-only: the current state is derived, never stored over an older one. */
export const consentRecord = lethe.table(
  "consent_record",
  {
    ...effect(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>().notNull(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    purpose: pg.text("purpose").$type<ConsentPurpose>().notNull(),
    state: pg.text("state").$type<ConsentState>().notNull(),
    nature: pg.text("nature").$type<ConsentNature>().notNull(),
    method: pg.text("method").notNull(),
    lawfulBasis: pg.text("lawful_basis").$type<LawfulBasis>().notNull(),
    occurredAt: instant("occurred_at").notNull(),
    recordedAt: instant("recorded_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.deliveryId, t.ordinal] }),
    pg.index("consent_record_subject").on(t.controllerId, t.subjectId, t.purpose),
    isolation(appRole),
  ],
);

/** Requests that arrived by webhook. `details` are the person's identifiers, sealed until the request closes. */
export const rightsRequest = lethe.table(
  "rights_request",
  {
    ...effect(),
    id: pg.uuid("id").notNull(),
    kind: pg.text("kind").$type<RightsKind>().notNull(),
    scope: pg.text("scope").$type<"subject" | "account">().notNull(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    status: pg.text("status").$type<"received">().notNull().default("received"),
    details: bytea("details").notNull(),
    receivedAt: instant("received_at").notNull(),
    dueAt: instant("due_at").notNull(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.deliveryId, t.ordinal] }),
    pg.uniqueIndex("rights_request_id").on(t.controllerId, t.id),
    pg.index("rights_request_due").on(t.controllerId, t.dueAt).where(sql`status = 'received'`),
    isolation(appRole),
  ],
);
