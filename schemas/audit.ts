import { z } from "zod";
import { ControllerId, Did } from "./ids.ts";

/** RFC 3339 in UTC with microseconds, as a string: a JavaScript number would lose them. */
export const Instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** No floats, because their text differs between languages, and no personal data: an entry is kept for ever. */
export const AuditEntry = z
  .strictObject({
    v: z.literal(1),
    controller: ControllerId,
    event: z.uuid(),
    type: z.string().regex(/^[a-z_]+\.[a-z_]+$/),
    entity: z
      .string()
      .max(200)
      .describe("What it happened to: `delivery:<id>`, `subject:<id>`, `activity:<delivery>.<n>`, …"),
    time: Instant,
    actor: z.string().max(100).describe("`hub`, `operator`, or `platform:<connector>`."),
    workflow: z
      .string()
      .max(100)
      .describe("The chain that the event belongs to: a delivery, an administrative act."),
    position: z.int().nonnegative(),
    previous: Hash.nullable().describe("SHA-256 of the chain's entry before it; null at position 0."),
    subject: Hash.nullable().describe(
      "Keyed hash of the subject; unlinkable once the subject's key is destroyed.",
    ),
    body: z
      .strictObject({ hash: Hash, commitment: Hash })
      .nullable()
      .describe("SHA-256 of the part of the sealed body that rotation leaves alone, and its key commitment."),
    facts: z
      .record(z.string(), z.union([z.string().max(200), z.int(), z.boolean(), z.null()]))
      .describe("Enumerated facts about the event."),
  })
  .describe(
    "One leaf of a controller's audit log, stored and hashed as the RFC 8785 (JCS) bytes of this object.",
  );
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditExportLine = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("header"),
      format: z.literal("lethe-audit-export/1"),
      controller: ControllerId,
      did: Did,
      origin: z.string(),
      keys: z
        .array(z.string())
        .describe("Note verifier keys of the log: `<name>+<key id>+<base64>` (C2SP signed-note)."),
      hubKeys: z
        .array(z.string())
        .describe("The same of the hub, whose log takes every controller's checkpoints."),
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
  ])
  .describe(
    "A line of an audit export (JSON Lines): a header, one line an entry in order, checkpoints, an end.",
  );
export type AuditExportLine = z.infer<typeof AuditExportLine>;
