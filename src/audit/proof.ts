import type { ControllerTransaction } from "#database";
import { readEntry } from "./entry.ts";
import { consistencyProof, type Hash, inclusionProof, type SubtreeRoot } from "./merkle.ts";
import { type Range, subtreesOf } from "./tiles.ts";

/** An event of the log: the entry's text, whose bytes are what is hashed, and the proof that it is there. */
export interface ProvenEvent {
  readonly entry: string;
  /** C2SP tlog-proof (https://c2sp.org/tlog-proof): index, hashes, checkpoint. See {@link verifyEventProof}. */
  readonly proof: string;
}

/** That one event is in the log, under its newest checkpoint. Undefined while no checkpoint covers the event. */
export async function proveEvent(tx: ControllerTransaction, event: string): Promise<ProvenEvent | undefined> {
  const { sql, controllerId } = tx;
  const leaves = await sql<LeafRow[]>`
    select l.seq, e.entry from audit_event e
    join audit_leaf l on l.controller_id = e.controller_id and l.event_id = e.id
    where e.controller_id = ${controllerId} and position(${Buffer.from(event)} in e.entry) > 0`;
  const leaf = leaves.find(({ entry }) => readEntry(entry)?.event === event);
  const [proven] = leaf === undefined ? [] : await prove(tx, [leaf]);
  return proven?.proof === undefined ? undefined : { ...proven, proof: proven.proof };
}

/**
 * All events of one workflow's chain, in its order, each with the proof that it is in the log: all of them under the same, newest
 * checkpoint. `proof` is undefined of those that no checkpoint covers yet, which are the chain's last; the sequencer signs one a second.
 * Four queries, however long the chain is.
 */
export async function proveWorkflow(
  tx: ControllerTransaction,
  workflow: string,
): Promise<{ entry: string; proof: string | undefined }[]> {
  const rows = await tx.sql<LeafRow[]>`
    select l.seq, e.entry from audit_event e
    left join audit_leaf l on l.controller_id = e.controller_id and l.event_id = e.id
    where e.controller_id = ${tx.controllerId} and e.workflow_id = ${workflow} order by e.position`;
  return rows.length === 0 ? [] : prove(tx, rows);
}

/** That the log under an older checkpoint of `size` entries is a prefix of the newest one (RFC 6962 §2.1.2). */
export async function proveConsistency(
  tx: ControllerTransaction,
  size: number,
): Promise<{ hashes: string[]; checkpoint: string } | undefined> {
  const newest = await newestCheckpoint(tx);
  if (newest === undefined || newest.size < size) return undefined;
  const proof = (subtree: SubtreeRoot) => consistencyProof(size, newest.size, subtree);
  const hashes = await proof(await subtreesOf(tx, newest.size, await rangesOf(proof)));
  return { hashes: base64(hashes), checkpoint: newest.note };
}

/** `seq` is null until the sequencer has given the event its place. */
interface LeafRow {
  readonly seq: string | null;
  readonly entry: Uint8Array;
}

async function prove(
  tx: ControllerTransaction,
  rows: readonly LeafRow[],
): Promise<{ entry: string; proof: string | undefined }[]> {
  const { size, note } = (await newestCheckpoint(tx)) ?? { size: 0, note: "" };
  const covered = rows.flatMap(({ seq }) => (seq === null || Number(seq) >= size ? [] : [Number(seq)]));
  const proofs = (subtree: SubtreeRoot) =>
    Promise.all(covered.map(async (seq) => [seq, await inclusionProof(seq, size, subtree)] as const));
  const hashes = new Map(
    covered.length === 0 ? [] : await proofs(await subtreesOf(tx, size, await rangesOf(proofs))),
  );
  return rows.map(({ seq, entry }) => {
    const path = seq === null ? undefined : hashes.get(Number(seq));
    const lines = ["c2sp.org/tlog-proof@v1", `index ${seq}`, ...base64(path ?? [])];
    return {
      entry: Buffer.from(entry).toString("utf8"),
      proof: path && `${lines.join("\n")}\n\n${note}`,
    };
  });
}

/** Which subtrees a proof asks for: found by making it of nothing. */
async function rangesOf(proof: (subtree: SubtreeRoot) => Promise<unknown>): Promise<Range[]> {
  const ranges: Range[] = [];
  await proof((from, to) => {
    ranges.push([from, to]);
    return new Uint8Array(32);
  });
  return ranges;
}

async function newestCheckpoint({ sql, controllerId }: ControllerTransaction) {
  const [row] = await sql<{ size: string; note: string }[]>`
    select size, note from audit_checkpoint where controller_id = ${controllerId} order by id desc limit 1`;
  return row === undefined ? undefined : { size: Number(row.size), note: row.note };
}

const base64 = (hashes: readonly Hash[]) => hashes.map((hash) => Buffer.from(hash).toString("base64"));
