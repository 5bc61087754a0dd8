import type { ControllerTransaction } from "#database";
import type { Did } from "#schemas";
import { readEntry } from "./entry.ts";
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
  // Each by itself: where one is gone, the other tells of it.
  const [[row], [last]] = await Promise.all([
    tx.sql<{ size: string; frontier: Uint8Array }[]>`
      select size, frontier from audit_log where controller_id = ${tx.controllerId}`,
    tx.sql<{ note: string }[]>`
      select note from audit_checkpoint where controller_id = ${tx.controllerId} order by id desc limit 1`,
  ]);
  const size = Number(row?.size ?? 0);
  const fault = async (note: string): Promise<FaultCode | undefined> => {
    const signed = readCheckpoint(note, log.publicKeys);
    if (typeof signed === "string" || signed.origin !== log.did) return "audit/checkpoint-forged";
    if (row === undefined || signed.size > size) return "audit/log-truncated";
    if (signed.size === size && !same(rootOf(frontierFrom(size, row.frontier)), signed.root))
      return "audit/state-altered";
    if (signed.size === 0) return undefined;
    const root = await subtreesOf(tx, signed.size, [[0, signed.size]]);
    return same(await root(0, signed.size), signed.root) ? undefined : "audit/root-mismatch";
  };
  const newest = last?.note;
  const found = newest === undefined ? await unsigned(tx) : await fault(newest);
  const outside = log.outside === undefined ? undefined : await fault(log.outside);
  const checkpoint = newest === undefined ? undefined : readCheckpoint(newest, log.publicKeys);
  return {
    checkpoint: typeof checkpoint === "string" ? undefined : checkpoint,
    fault: found ?? outside,
  };
}

/** What has been in a log for a day is signed: a hub that runs does so within a second, and one that starts makes up for it. */
async function unsigned({ sql, controllerId }: ControllerTransaction): Promise<FaultCode | undefined> {
  const [first] = await sql<{ entry: Uint8Array | null }[]>`
    select e.entry from audit_leaf l left join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
    where l.controller_id = ${controllerId} order by l.seq limit 1`;
  if (first === undefined) return undefined;
  const time = first.entry === null ? undefined : readEntry(first.entry)?.time;
  return time !== undefined && Date.now() - Date.parse(time) < DAY ? undefined : "audit/checkpoint-missing";
}

const DAY = 86_400_000;
