import { v5 as nameUuid } from "uuid";
import type { Transaction } from "#database";
import type { AuditEntry, ControllerId } from "#schemas";
import { readEntry } from "./entry.ts";

/** What is done again and again for as long as the log goes on, and told of in one chain. */
export type Standing = "retention" | "integrity";

/** The chain's id in a controller's log (RFC 9562 §5.5: a UUID that follows from a name). */
export const standingChain = (standing: Standing, controllerId: ControllerId) =>
  nameUuid(`lethe:v1:${standing}`, controllerId);

/** When it was last done, and with what outcome. For the sequencer's role, or in the controller's scope. */
export async function lastOfStanding(
  { sql }: Transaction,
  standing: Standing,
  controllerId: ControllerId,
): Promise<AuditEntry | undefined> {
  const [row] = await sql<{ entry: Uint8Array }[]>`select entry from audit_event
    where controller_id = ${controllerId} and workflow_id = ${standingChain(standing, controllerId)}
    order by position desc limit 1`;
  return row && readEntry(row.entry);
}
