import type { AnyPgColumn } from "drizzle-orm/pg-core";
import type {
  ConnectionId,
  DeliveryId,
  Did,
  IdentifierKind,
  RightsRequestId,
  SubjectId,
  SubjectStatus,
} from "#schemas";
import { pg, sql } from "../drizzle.ts";
import { appRole, bytea, controllerId, instant, isolation, lethe } from "./shared.ts";

const subjectId = (name = "subject_id") => pg.uuid(name).$type<SubjectId>().notNull();

export const subject = lethe.table(
  "subject",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").$type<SubjectId>().notNull(),
    did: pg.text("did").$type<Did>().notNull(),
    status: pg.text("status").$type<SubjectStatus>().notNull().default("active"),
    /** The survivor of a merge; always the end of the chain, never another merged subject. */
    mergedInto: pg.uuid("merged_into").$type<SubjectId>(),
    /** The per-subject key, sealed under the controller's epoch key: destroyed on erasure. */
    sealedKey: bytea("sealed_key").notNull(),
    /** HMAC under the subject key: how the audit log refers to the subject. */
    auditReference: bytea("audit_reference").notNull(),
    /** Since when, how and by which request processing is restricted (GDPR Art. 18), or objected to (Art. 21). */
    restrictedAt: instant("restricted_at"),
    restriction: pg.text("restriction").$type<"restriction" | "objection">(),
    restrictedBy: pg.uuid("restricted_by").$type<RightsRequestId>(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.index("subject_merged").on(t.controllerId, t.mergedInto).where(sql`merged_into is not null`),
    isolation(appRole),
  ],
);

const ofSubject = (t: { controllerId: AnyPgColumn; subjectId: AnyPgColumn }) =>
  pg.foreignKey({
    columns: [t.controllerId, t.subjectId],
    foreignColumns: [subject.controllerId, subject.id],
  });

/**
 * Keyed hashes of what a person is known by. `scope` is the connection for platform ids, which mean nothing
 * elsewhere, and the nil UUID for the rest. A phone or a folded address may belong to several subjects; an
 * e-mail address or platform id only to one.
 */
export const identifier = lethe.table(
  "identifier",
  {
    controllerId: controllerId(),
    kind: pg.text("kind").$type<IdentifierKind>().notNull(),
    scope: pg.uuid("scope").notNull(),
    hash: bytea("hash").notNull(),
    subjectId: subjectId(),
    keyVersion: pg.integer("key_version").notNull(),
    normaliser: pg.text("normaliser").notNull(),
    firstSeenAt: instant("first_seen_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.hash, t.kind, t.scope, t.subjectId] }),
    pg
      .uniqueIndex("identifier_one_subject")
      .on(t.controllerId, t.hash, t.kind, t.scope)
      .where(sql`kind in ('email', 'platform_id')`),
    ofSubject(t),
    pg.index("identifier_subject").on(t.controllerId, t.subjectId),
    isolation(appRole),
  ],
);

/** Through which connections an identifier was seen: which platforms know the subject by it. */
export const identifierSource = lethe.table(
  "identifier_source",
  {
    controllerId: controllerId(),
    subjectId: subjectId(),
    hash: bytea("hash").notNull(),
    kind: pg.text("kind").$type<IdentifierKind>().notNull(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    firstSeenAt: instant("first_seen_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.subjectId, t.hash, t.kind, t.connectionId] }),
    ofSubject(t),
    isolation(appRole),
  ],
);

/** The platform's own customer id, sealed under the subject key: how to find the person there later. */
export const platformReference = lethe.table(
  "platform_reference",
  {
    controllerId: controllerId(),
    subjectId: subjectId(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    hash: bytea("hash").notNull(),
    sealed: bytea("sealed").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.subjectId, t.connectionId, t.hash] }),
    ofSubject(t),
    isolation(appRole),
  ],
);

/** Platform objects (orders) as keyed hashes, to find whom a later event about the object concerns. */
export const objectReference = lethe.table(
  "object_reference",
  {
    controllerId: controllerId(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    hash: bytea("hash").notNull(),
    subjectId: subjectId(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.connectionId, t.hash] }), isolation(appRole)],
);

/** Two subjects that may be one person. Only a human may confirm it. */
export const candidateLink = lethe.table(
  "candidate_link",
  {
    controllerId: controllerId(),
    first: subjectId("first_subject"),
    second: subjectId("second_subject"),
    reason: pg.text("reason").$type<"phone" | "email_folded">().notNull(),
    deliveryId: pg.uuid("delivery_id").$type<DeliveryId>().notNull(),
    status: pg.text("status").$type<"open">().notNull().default("open"),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.first, t.second, t.reason] }), isolation(appRole)],
);

/** A merge and everything needed to undo it: `moved` are the subjects that pointed at `merged` before. */
export const subjectMerge = lethe.table(
  "subject_merge",
  {
    controllerId: controllerId(),
    merged: subjectId("merged_subject"),
    survivor: subjectId("surviving_subject"),
    deliveryId: pg.uuid("delivery_id").$type<DeliveryId>().notNull(),
    moved: pg.uuid("moved").array().$type<SubjectId[]>().notNull(),
    mergedAt: instant("merged_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.merged, t.survivor, t.deliveryId] }),
    isolation(appRole),
  ],
);

/**
 * That somebody known by this was erased: a keyed hash of the keyed hash, tied to nothing else. A later webhook about them is
 * recognised by it, not linked, and reported.
 */
export const tombstone = lethe.table(
  "tombstone",
  {
    controllerId: controllerId(),
    kind: pg.text("kind").$type<IdentifierKind>().notNull(),
    scope: pg.uuid("scope").notNull(),
    hash: bytea("hash").notNull(),
    /** A platform named it after the erasure, together with what was the person's own. */
    learnt: pg.boolean("learnt").notNull().default(false),
    /** To the day only, so that it tells nothing of which request it was. */
    erasedOn: pg.date("erased_on").notNull().default(sql`current_date`),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.hash, t.kind, t.scope] }), isolation(appRole)],
);

/** Webhooks about people who were erased: which platforms still have them. */
export const erasedSighting = lethe.table(
  "erased_sighting",
  {
    controllerId: controllerId(),
    deliveryId: pg.uuid("delivery_id").$type<DeliveryId>().notNull(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>(),
    seenAt: instant("seen_at").notNull().defaultNow(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.deliveryId] }), isolation(appRole)],
);
