import type { ControllerTransaction } from "#database";
import type { Did } from "#schemas";
import type { FaultCode } from "./errors.ts";
import { frontierFrom, rootOf, same } from "./merkle.ts";
import { type Checkpoint, readCheckpoint } from "./note.ts";
import { subtreesOf } from "./tiles.ts";

export interface Head {
  /** Events under the newest checkpoint, and when it was signed; undefined for a log without any. */
  readonly checkpoint: Checkpoint | undefined;
  readonly fault: FaultCode | undefined;
}

/**
 * Looks at a log's end alone, in some hundred reads at most: that its newest checkpoint is signed, and that the log as it is
 * recorded, and the tiles it is proven from, have its root; the same of a checkpoint that was held outside.
 */
export async function checkHead(
  tx: ControllerTransaction,
  log: {
    readonly did: Did;
    readonly publicKeys: readonly Uint8Array[];
    readonly outside?: string | undefined;
  },
): Promise<Head> {
  const [row] = await tx.sql<{ note: string | null; size: string; frontier: Uint8Array }[]>`
    select l.size, l.frontier, (select note from audit_checkpoint c where c.controller_id = l.controller_id order by id desc limit 1) as note
    from audit_log l where controller_id = ${tx.controllerId}`;
  const size = Number(row?.size ?? 0);
  const fault = async (note: string): Promise<FaultCode | undefined> => {
    const signed = readCheckpoint(note, log.publicKeys);
    if (typeof signed === "string" || signed.origin !== log.did) return "audit/checkpoint-forged";
    if (signed.size > size) return "audit/log-truncated";
    if (
      row !== undefined &&
      signed.size === size &&
      !same(rootOf(frontierFrom(size, row.frontier)), signed.root)
    )
      return "audit/state-altered";
    if (signed.size === 0) return undefined;
    const root = await subtreesOf(tx, signed.size, [[0, signed.size]]);
    return same(await root(0, signed.size), signed.root) ? undefined : "audit/root-mismatch";
  };
  const newest = row?.note ?? undefined;
  const found = newest === undefined ? undefined : await fault(newest);
  const outside = log.outside === undefined ? undefined : await fault(log.outside);
  const checkpoint = newest === undefined ? undefined : readCheckpoint(newest, log.publicKeys);
  return {
    checkpoint: typeof checkpoint === "string" ? undefined : checkpoint,
    fault: found ?? outside,
  };
}
