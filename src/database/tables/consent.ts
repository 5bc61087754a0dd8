import type { ConnectionId, Purpose, PushId, PushReason, PushStatus, SubjectId } from "#schemas";
import { pg, sql } from "../drizzle.ts";
import { appRole, bytea, controllerId, instant, isolation, lethe } from "./shared.ts";

/** Purposes that a controller has beside those that everybody has. */
export const consentPurpose = lethe.table(
  "consent_purpose",
  {
    controllerId: controllerId(),
    id: pg.text("id").$type<Purpose>().notNull(),
    title: pg.text("title").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.id] }), isolation(appRole)],
);

/** What we are about to change at a platform, or have: by it, the platform's report of the change is known as our echo. */
export interface Sent {
  readonly state: "granted" | "withdrawn";
  /** ISO 8601. */
  readonly at: string;
  /** Other purposes that the platform changed along with it. */
  readonly also?: readonly Purpose[];
}

/** One platform to be brought in step with a subject's choice. At most one is open for a purpose there. */
export const consentPush = lethe.table(
  "consent_push",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").$type<PushId>().notNull(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>().notNull(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    purpose: pg.text("purpose").$type<Purpose>().notNull(),
    state: pg.text("state").$type<Sent["state"]>().notNull(),
    status: pg.text("status").$type<PushStatus>().notNull().default("open"),
    reason: pg.text("reason").$type<PushReason>(),
    errorCode: pg.text("error_code"),
    errorMessage: pg.text("error_message"),
    attempts: pg.integer("attempts").notNull().default(0),
    /** How often a run was started for it: the end of an older run does not end it. */
    round: pg.integer("round").notNull().default(0),
    sent: pg.jsonb("sent").$type<Sent[]>().notNull().default([]),
    requestedAt: instant("requested_at").notNull().defaultNow(),
    /** When a run was last started for it: one that a workflow server lost is started again. */
    announcedAt: instant("announced_at").notNull().defaultNow(),
    settledAt: instant("settled_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg
      .uniqueIndex("consent_push_open")
      .on(t.controllerId, t.subjectId, t.purpose, t.connectionId)
      .where(sql`status = 'open'`),
    pg.index("consent_push_subject").on(t.controllerId, t.subjectId, t.requestedAt),
    pg
      .index("consent_push_unsettled")
      .on(t.controllerId, t.status)
      .where(sql`status in ('open', 'failed', 'manual')`),
    isolation(appRole),
  ],
);

/** Choices of which nobody has yet found out where they are to be brought: written with the change, and gone when it is planned. */
export const consentDue = lethe.table(
  "consent_due",
  {
    controllerId: controllerId(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>().notNull(),
    purpose: pg.text("purpose").$type<Purpose>().notNull(),
    since: instant("since").notNull().defaultNow(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.subjectId, t.purpose] }), isolation(appRole)],
);

/**
 * The addresses that a choice came with, sealed under the subject's key: for platforms that know the person by nothing
 * else. Here only as long as a platform has to be brought in step.
 */
export const consentContact = lethe.table(
  "consent_contact",
  {
    controllerId: controllerId(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>().notNull(),
    sealed: bytea("sealed").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.subjectId] }), isolation(appRole)],
);
