import { pg, sql } from "../drizzle.ts";
import { across, appRole, bytea, controllerId, instant, isolation, lethe, sequencerRole } from "./shared.ts";

const xid8 = pg.customType<{ data: string; driverData: string }>({ dataType: () => "xid8" });

/** What business transactions write, without any lock. `xid` and `id` order committed rows for the sequencer. */
export const auditEvent = lethe.table(
  "audit_event",
  {
    controllerId: controllerId(),
    id: pg.bigint("id", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    xid: xid8("xid").notNull().default(sql`pg_current_xact_id()`),
    workflowId: pg.uuid("workflow_id").notNull(),
    position: pg.integer("position").notNull(),
    /** RFC 8785 bytes of the entry: hashed as they are, never rebuilt. */
    entry: bytea("entry").notNull(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.uniqueIndex("audit_event_chain").on(t.controllerId, t.workflowId, t.position),
    pg.index("audit_event_order").on(t.xid, t.id),
    isolation(appRole),
    across(sequencerRole),
  ],
);

/** The sequencer's order: a gapless sequence for each controller. `leaf` = SHA-256(0x00 ‖ entry), RFC 6962. */
export const auditLeaf = lethe.table(
  "audit_leaf",
  {
    controllerId: controllerId(),
    seq: pg.bigint("seq", { mode: "number" }).notNull(),
    eventId: pg.bigint("event_id", { mode: "number" }).notNull(),
    eventXid: xid8("event_xid").notNull(),
    leaf: bytea("leaf").notNull(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.seq] }), isolation(appRole), across(sequencerRole)],
);

/** Full tiles of 256 hashes (C2SP tlog-tiles), for proofs that need not read every leaf. */
export const auditTile = lethe.table(
  "audit_tile",
  {
    controllerId: controllerId(),
    level: pg.integer("level").notNull(),
    index: pg.bigint("index", { mode: "number" }).notNull(),
    hashes: bytea("hashes").notNull(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.level, t.index] }),
    isolation(appRole),
    across(sequencerRole),
  ],
);

/** Where each log ends: its size and the roots of its full subtrees, largest first. */
export const auditLog = lethe.table(
  "audit_log",
  {
    controllerId: controllerId().primaryKey(),
    size: pg.bigint("size", { mode: "number" }).notNull(),
    frontier: bytea("frontier").notNull(),
    /** Size and time of the newest checkpoint. */
    checkpointed: pg.bigint("checkpointed", { mode: "number" }).notNull().default(0),
    checkpointedAt: instant("checkpointed_at"),
  },
  () => [isolation(appRole), across(sequencerRole)],
);

/** Signed statements of a log's size and root: C2SP signed notes. */
export const auditCheckpoint = lethe.table(
  "audit_checkpoint",
  {
    controllerId: controllerId(),
    id: pg.bigint("id", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    size: pg.bigint("size", { mode: "number" }).notNull(),
    note: pg.text("note").notNull(),
  },
  (t) => [pg.primaryKey({ columns: [t.controllerId, t.id] }), isolation(appRole), across(sequencerRole)],
);

/** One row: how far the sequencer has come, and in which cluster (transaction ids start anew in another). */
export const auditSequencer = lethe.table(
  "audit_sequencer",
  {
    controllerId: controllerId().primaryKey(),
    cluster: pg.text("cluster").notNull(),
    epoch: pg.integer("epoch").notNull(),
    /** Rows at or below this id belong to earlier epochs. */
    floorId: pg.bigint("floor_id", { mode: "number" }).notNull(),
    watermarkXid: xid8("watermark_xid").notNull(),
    watermarkId: pg.bigint("watermark_id", { mode: "number" }).notNull(),
  },
  () => [across(sequencerRole)],
);
