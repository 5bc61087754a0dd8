import type { ControllerTransaction } from "#database";
import { inclusionProof, rootOfLeaves } from "./merkle.ts";

/**
 * That one event is in the log, under its newest checkpoint: a C2SP tlog-proof (index, hashes, checkpoint) and the
 * entry that it is about. Undefined while no checkpoint covers the event.
 */
export async function proveEvent(
  tx: ControllerTransaction,
  event: string,
): Promise<{ entry: string; proof: string } | undefined> {
  const { sql, controllerId } = tx;
  const [leaf] = await sql<{ seq: string; entry: Uint8Array }[]>`
    select l.seq, e.entry from audit_event e
    join audit_leaf l on l.controller_id = e.controller_id and l.event_id = e.id
    where e.controller_id = ${controllerId} and convert_from(e.entry, 'UTF8')::json->>'event' = ${event}`;
  const [checkpoint] = await sql<{ size: string; note: string }[]>`
    select size, note from audit_checkpoint where controller_id = ${controllerId} order by id desc limit 1`;
  if (leaf === undefined || checkpoint === undefined || Number(checkpoint.size) <= Number(leaf.seq))
    return undefined;
  const hashes = await inclusionProof(Number(leaf.seq), Number(checkpoint.size), async (from, to) => {
    const rows = await sql<{ leaf: Uint8Array }[]>`select leaf from audit_leaf
      where controller_id = ${controllerId} and seq >= ${from} and seq < ${to} order by seq`;
    return rootOfLeaves(rows.map((row) => row.leaf));
  });
  const lines = [
    "c2sp.org/tlog-proof@v1",
    `index ${leaf.seq}`,
    ...hashes.map((hash) => Buffer.from(hash).toString("base64")),
  ];
  return {
    entry: Buffer.from(leaf.entry).toString("utf8"),
    proof: `${lines.join("\n")}\n\n${checkpoint.note}`,
  };
}
