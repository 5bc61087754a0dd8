import type { ControllerTransaction } from "#database";
import { readEntry } from "./entry.ts";
import { consistencyProof, type Hash, inclusionProof, rootOfLeaves } from "./merkle.ts";

/**
 * That one event is in the log, under its newest checkpoint: a C2SP tlog-proof (index, hashes, checkpoint) and the
 * entry that it is about. Undefined while no checkpoint covers the event.
 */
export async function proveEvent(
  tx: ControllerTransaction,
  event: string,
): Promise<{ entry: string; proof: string } | undefined> {
  const { sql, controllerId } = tx;
  const leaves = await sql<{ seq: string; entry: Uint8Array }[]>`
    select l.seq, e.entry from audit_event e
    join audit_leaf l on l.controller_id = e.controller_id and l.event_id = e.id
    where e.controller_id = ${controllerId} and position(${Buffer.from(event)} in e.entry) > 0`;
  const leaf = leaves.find(({ entry }) => readEntry(entry)?.event === event);
  const newest = await newestCheckpoint(tx);
  if (leaf === undefined || newest === undefined || newest.size <= Number(leaf.seq)) return undefined;
  const hashes = await inclusionProof(Number(leaf.seq), newest.size, subtreeRoot(tx));
  const lines = ["c2sp.org/tlog-proof@v1", `index ${leaf.seq}`, ...base64(hashes)];
  return { entry: Buffer.from(leaf.entry).toString("utf8"), proof: `${lines.join("\n")}\n\n${newest.note}` };
}

/** That the log under an older checkpoint of `size` entries is a prefix of the newest one (RFC 6962 §2.1.2). */
export async function proveConsistency(
  tx: ControllerTransaction,
  size: number,
): Promise<{ hashes: string[]; checkpoint: string } | undefined> {
  const newest = await newestCheckpoint(tx);
  if (newest === undefined || newest.size < size) return undefined;
  const hashes = await consistencyProof(size, newest.size, subtreeRoot(tx));
  return { hashes: base64(hashes), checkpoint: newest.note };
}

async function newestCheckpoint({ sql, controllerId }: ControllerTransaction) {
  const [row] = await sql<{ size: string; note: string }[]>`
    select size, note from audit_checkpoint where controller_id = ${controllerId} order by id desc limit 1`;
  return row === undefined ? undefined : { size: Number(row.size), note: row.note };
}

function subtreeRoot({ sql, controllerId }: ControllerTransaction) {
  return async (from: number, to: number): Promise<Hash> => {
    const rows = await sql<{ leaf: Uint8Array }[]>`select leaf from audit_leaf
      where controller_id = ${controllerId} and seq >= ${from} and seq < ${to} order by seq`;
    return rootOfLeaves(rows.map(({ leaf }) => leaf));
  };
}

const base64 = (hashes: readonly Hash[]) => hashes.map((hash) => Buffer.from(hash).toString("base64"));
