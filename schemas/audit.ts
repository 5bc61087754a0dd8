import { z } from "zod";
import { ControllerId, Did } from "./ids.ts";

/** RFC 3339 in UTC with microseconds, as a string: a JavaScript number would lose them. */
export const Instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * One leaf of a controller's log, stored and hashed as the RFC 8785 (JCS) bytes of this object.
 * `workflow` names the chain that the event belongs to (a delivery, an administrative act); `previous`
 * is the SHA-256 of that chain's entry before it, null at position 0. No floats, no personal data.
 */
export const AuditEntry = z.strictObject({
  v: z.literal(1),
  controller: ControllerId,
  event: z.uuid(),
  type: z.string().regex(/^[a-z_]+\.[a-z_]+$/),
  /** What it happened to: `delivery:<id>`, `subject:<id>`, `activity:<delivery>.<n>`, … */
  entity: z.string().max(200),
  time: Instant,
  /** `hub`, `operator`, or `platform:<connector>`. */
  actor: z.string().max(100),
  workflow: z.string().max(100),
  position: z.int().nonnegative(),
  previous: Hash.nullable(),
  /** Keyed hash of the subject; unlinkable once the subject's key is destroyed. */
  subject: Hash.nullable(),
  /** SHA-256 of the part of the sealed body that rotation leaves alone, and its key commitment. */
  body: z.strictObject({ hash: Hash, commitment: Hash }).nullable(),
  /** Enumerated facts about the event. */
  facts: z.record(z.string(), z.union([z.string().max(200), z.int(), z.boolean(), z.null()])),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** Lines of an audit export (JSON Lines): a header, one line an entry in order, checkpoints, an end. */
export const AuditExportLine = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("header"),
    format: z.literal("lethe-audit-export/1"),
    controller: ControllerId,
    did: Did,
    origin: z.string(),
    /** Note verifier keys (`<name>+<key id>+<base64>`, C2SP signed-note) of the log and of the hub. */
    keys: z.array(z.string()),
    hubKeys: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal("entry"), seq: z.int(), entry: z.string(), leaf: z.string() }),
  z.strictObject({ kind: z.literal("checkpoint"), note: z.string() }),
  z.strictObject({
    kind: z.literal("witness"),
    note: z.string(),
    leaf: z.int(),
    entry: z.string(),
    proof: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal("end"), entries: z.int(), checkpoints: z.int() }),
]);
export type AuditExportLine = z.infer<typeof AuditExportLine>;
