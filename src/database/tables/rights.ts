import type {
  ConnectionId,
  DataCategory,
  DeliveryId,
  DenialReason,
  ExtensionReason,
  HoldGround,
  LawfulBasis,
  RightsKind,
  RightsNotice,
  RightsRegime,
  RightsRequestId,
  RightsSource,
  RightsStatus,
  RightsTaskId,
  RightsTaskReason,
  RightsTaskStatus,
  RightsVerification,
  SubjectId,
} from "#schemas";
import { pg, sql } from "../drizzle.ts";
import { appRole, bytea, controllerId, deletable, instant, isolation, lethe } from "./shared.ts";

/** What tells of a request stays while there is one: it is its evidence. */
const afterItsRequest = () =>
  deletable("not exists (select from lethe.rights_request r where r.id = request_id)");

const requestId = () => pg.uuid("request_id").$type<RightsRequestId>().notNull();

/** When the clock stood still, waiting for the person. ISO 8601; null while it does. */
export interface Pause {
  readonly from: string;
  readonly until: string | null;
}

/** Requests to exercise a right. What identifies the person is sealed, and gone when the request closes. */
export const rightsRequest = lethe.table(
  "rights_request",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").$type<RightsRequestId>().notNull(),
    source: pg.text("source").$type<RightsSource>().notNull().default("platform"),
    /** Of those that came by webhook; a delivery has its effects once. */
    deliveryId: pg.uuid("delivery_id").$type<DeliveryId>(),
    ordinal: pg.integer("ordinal"),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>(),
    kind: pg.text("kind").$type<RightsKind>().notNull(),
    scope: pg.text("scope").$type<"subject" | "account">().notNull(),
    regime: pg.text("regime").$type<RightsRegime>().notNull().default("platform"),
    /** Null while nobody is known by it, and again after an erasure. */
    subjectId: pg.uuid("subject_id").$type<SubjectId>(),
    status: pg.text("status").$type<RightsStatus>().notNull().default("received"),
    /** Sealed JSON of what the person is known by, and of what is to be corrected. */
    details: bytea("details"),
    /** Keyed hash of the address, by which a second request of the same person joins the first. Gone with the details. */
    contact: bytea("contact"),
    verification: pg.text("verification").$type<RightsVerification>(),
    denialReason: pg.text("denial_reason").$type<DenialReason>(),
    extensionReason: pg.text("extension_reason").$type<ExtensionReason>(),
    receivedAt: instant("received_at").notNull(),
    acknowledgedAt: instant("acknowledged_at"),
    verifiedAt: instant("verified_at"),
    closedAt: instant("closed_at"),
    pauses: pg.jsonb("pauses").$type<Pause[]>().notNull().default([]),
    /** Days that a platform gives. */
    platformDays: pg.integer("platform_days"),
    acknowledgeBy: instant("acknowledge_by"),
    dueAt: instant("due_at"),
    /** How often its deadline was set: a watch over an older one ends by itself. */
    clockRound: pg.integer("clock_round").notNull().default(0),
    /** When a restriction or an objection ended: until then it stands, whatever else restricts the person. */
    liftedAt: instant("lifted_at"),
    /** When a run was last started for what it waits for: one that a workflow server lost is started again. */
    announcedAt: instant("announced_at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.uniqueIndex("rights_request_delivery").on(t.controllerId, t.deliveryId, t.ordinal),
    pg.index("rights_request_due").on(t.controllerId, t.dueAt),
    pg.index("rights_request_subject").on(t.controllerId, t.subjectId).where(sql`subject_id is not null`),
    pg
      .uniqueIndex("rights_request_in_progress")
      .on(t.controllerId, t.contact, t.kind)
      .where(sql`closed_at is null`),
    isolation(appRole),
    deletable("closed_at is not null"),
  ],
);

/** Every move of a request, in order: what its evidence is made from. */
export const rightsMove = lethe.table(
  "rights_move",
  {
    controllerId: controllerId(),
    requestId: requestId(),
    position: pg.integer("position").notNull(),
    from: pg.text("from_status").$type<RightsStatus>(),
    to: pg.text("to_status").$type<RightsStatus>().notNull(),
    actor: pg.text("actor").notNull(),
    reason: pg.text("reason"),
    /** Somebody's own words, sealed. */
    note: bytea("note"),
    at: instant("at").notNull().defaultNow(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.requestId, t.position] }),
    isolation(appRole),
    afterItsRequest(),
  ],
);

/** Messages by which a person proves to have the address. What is in them follows from the id and a key. */
export const rightsChallenge = lethe.table(
  "rights_challenge",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").notNull(),
    requestId: requestId(),
    createdAt: instant("created_at").notNull().defaultNow(),
    expiresAt: instant("expires_at").notNull(),
    attempts: pg.integer("attempts").notNull().default(0),
    usedAt: instant("used_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.index("rights_challenge_request").on(t.controllerId, t.requestId),
    isolation(appRole),
  ],
);

/** What is to be done at one platform; without a connection, by the hub itself. */
export const rightsTask = lethe.table(
  "rights_task",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").$type<RightsTaskId>().notNull(),
    requestId: requestId(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>(),
    status: pg.text("status").$type<RightsTaskStatus>().notNull().default("open"),
    reason: pg.text("reason").$type<RightsTaskReason>(),
    errorCode: pg.text("error_code"),
    errorMessage: pg.text("error_message"),
    attempts: pg.integer("attempts").notNull().default(0),
    round: pg.integer("round").notNull().default(0),
    /** How many customers, contacts or profiles of the person there are there. */
    entries: pg.integer("entries"),
    /** Sealed JSON of what an erasure was asked for there, written before it is asked for; gone when the request closes. */
    asked: bytea("asked"),
    basis: pg.text("basis").$type<LawfulBasis>(),
    categories: pg.jsonb("categories").$type<DataCategory[]>(),
    until: instant("until_at"),
    /** Who confirmed what was done by hand. */
    actor: pg.text("actor"),
    note: bytea("note"),
    createdAt: instant("created_at").notNull().defaultNow(),
    announcedAt: instant("announced_at").notNull().defaultNow(),
    settledAt: instant("settled_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.uniqueIndex("rights_task_once").on(t.controllerId, t.requestId, t.connectionId),
    pg.uniqueIndex("rights_task_own").on(t.controllerId, t.requestId).where(sql`connection_id is null`),
    isolation(appRole),
    afterItsRequest(),
  ],
);

/** What was collected at a platform for an access request, sealed, until the bundle is made. */
export const rightsPart = lethe.table(
  "rights_part",
  {
    controllerId: controllerId(),
    taskId: pg.uuid("task_id").$type<RightsTaskId>().notNull(),
    requestId: requestId(),
    sealed: bytea("sealed").notNull(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.taskId] }),
    pg.index("rights_part_request").on(t.controllerId, t.requestId),
    isolation(appRole),
  ],
);

/** What the person may download: encrypted for them, and sealed, until it expires. */
export const rightsBundle = lethe.table(
  "rights_bundle",
  {
    controllerId: controllerId(),
    requestId: requestId(),
    sealed: bytea("sealed").notNull(),
    size: pg.integer("size").notNull(),
    downloads: pg.integer("downloads").notNull().default(0),
    createdAt: instant("created_at").notNull().defaultNow(),
    expiresAt: instant("expires_at").notNull(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.requestId] }), isolation(appRole)],
);

/** Who was told what, and when; `nobody` where there is no address or no mail server. */
export const rightsNotice = lethe.table(
  "rights_notice",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").notNull(),
    requestId: requestId(),
    notice: pg.text("notice").$type<RightsNotice>().notNull(),
    /** The challenge, of a message to verify by. */
    challengeId: pg.uuid("challenge_id"),
    status: pg.text("status").$type<"open" | "sent" | "failed" | "nobody">().notNull().default("open"),
    errorCode: pg.text("error_code"),
    createdAt: instant("created_at").notNull().defaultNow(),
    announcedAt: instant("announced_at").notNull().defaultNow(),
    settledAt: instant("settled_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.index("rights_notice_request").on(t.controllerId, t.requestId),
    isolation(appRole),
    afterItsRequest(),
  ],
);

/** What must be kept for now, although the person may ask for its erasure. */
export const legalHold = lethe.table(
  "legal_hold",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").notNull(),
    subjectId: pg.uuid("subject_id").$type<SubjectId>().notNull(),
    ground: pg.text("ground").$type<HoldGround>().notNull(),
    reference: pg.text("reference").notNull(),
    placedAt: instant("placed_at").notNull().defaultNow(),
    releasedAt: instant("released_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.index("legal_hold_subject").on(t.controllerId, t.subjectId),
    isolation(appRole),
  ],
);
