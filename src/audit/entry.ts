import { AuditEntry } from "#schemas";

/** The entry that stored bytes hold; undefined if they are none: whoever alters the log decides what stands there. */
export function readEntry(bytes: Uint8Array): AuditEntry | undefined {
  try {
    return AuditEntry.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
