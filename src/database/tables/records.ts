import type {
  ActivityPurpose,
  ConnectionId,
  ConsentMethod,
  ConsentNature,
  ConsentSource,
  ConsentState,
  DataCategory,
  DeliveryId,
  EvidenceReference,
  Jurisdiction,
  LawfulBasis,
  Purpose,
  SubjectId,
} from "#schemas";
import { pg } from "../drizzle.ts";
import { appRole, controllerId, instant, isolation, lethe } from "./shared.ts";

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
    controllerId: controllerId(),
    /** The delivery that it came with, or the act of an operator, a browser or the hub itself. */
    workflowId: pg.uuid("workflow_id").notNull(),
    ordinal: pg.integer("ordinal").notNull(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>().notNull(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>(),
    purpose: pg.text("purpose").$type<Purpose>().notNull(),
    state: pg.text("state").$type<ConsentState>().notNull(),
    /** As it was reported. Whether it is an echo of a change of ours is judged with what is known later. */
    nature: pg.text("nature").$type<ConsentNature>().notNull(),
    method: pg.text("method").$type<ConsentMethod>().notNull(),
    lawfulBasis: pg.text("lawful_basis").$type<LawfulBasis>().notNull(),
    source: pg.text("source").$type<ConsentSource>().notNull().default("platform"),
    jurisdiction: pg.text("jurisdiction").$type<Jurisdiction>(),
    evidence: pg.text("evidence").$type<EvidenceReference>(),
    occurredAt: instant("occurred_at").notNull(),
    /** When the platform says that it came to hold this; a choice may be older. */
    reportedAt: instant("reported_at"),
    recordedAt: instant("recorded_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.workflowId, t.ordinal] }),
    pg.index("consent_record_subject").on(t.controllerId, t.subjectId, t.purpose),
    isolation(appRole),
  ],
);
