import type { ControllerTransaction } from "#database";
import type { ControllerId } from "#schemas";
import { readPlace } from "./entry.ts";
import type { FaultCode } from "./errors.ts";
import { asHash, type Hash, leafHash, same } from "./merkle.ts";
import { TILE } from "./sequence.ts";
import type { Statements } from "./statements.ts";
import { TiledTree } from "./tiled-tree.ts";

/** Reads in a transaction of its own: one for a whole log would keep VACUUM from all that changes meanwhile. */
export type Read = <T>(
  work: (tx: ControllerTransaction) => Promise<T>,
  options?: { snapshot: boolean },
) => Promise<T>;
export type Found = (code: FaultCode, seq?: number | null) => void;

/** Events read at a time: some milliseconds of work, after which a running hub has to answer. */
const BATCH = 4 * TILE;

/**
 * Compares each event with its leaf, its columns and the event before it in its workflow, and builds the tree anew; at each
 * size that was signed, its root is compared. Almost always all is well, and the database says so of many events at once
 * (see {@link readSound}); where it does not, they are looked at one by one, and this tells what is wrong.
 */
export async function walkLeaves(
  read: Read,
  controllerId: ControllerId,
  end: number,
  signed: Statements,
  found: Found,
  progress: (done: number) => void,
): Promise<TiledTree> {
  const tree = new TiledTree();
  const append = (leaf: Hash) => {
    tree.append(leaf);
    checkRoots();
  };
  const checkRoots = () => {
    const roots = signed.rootsAt(tree.size);
    if (roots.length === 0) return;
    const root = Buffer.from(tree.root()).toString("hex");
    for (const one of roots) if (one !== root) found("audit/root-mismatch", tree.size - 1);
  };
  checkRoots();
  const soundFrom = (from: number) =>
    from < end ? readSound(read, controllerId, from, Math.min(from + BATCH, end)) : undefined;
  let ahead = soundFrom(0);
  for (let next = 0; next < end; ) {
    const sound = await ahead;
    // The database reads on while what it has read is hashed.
    ahead = sound === undefined ? undefined : soundFrom(next + sound.length);
    if (sound !== undefined) {
      sound.forEach(append);
      next += sound.length;
    } else {
      const rows = await readRows(read, controllerId, next, end);
      for (const row of rows) {
        const seq = Number(row.seq);
        if (seq !== tree.size) found("audit/sequence-broken", seq);
        append(checkRow(controllerId, row, (code) => found(code, seq)));
        next = seq + 1;
      }
      if (rows.length < BATCH) break;
      // Where a place is missing in the sequence, all after it stand elsewhere than they say.
      ahead = next === tree.size ? soundFrom(next) : undefined;
    }
    progress(tree.size);
  }
  if (signed.largest() > tree.size) found("audit/log-truncated", tree.size);
  return tree;
}

/** What the columns say of an event. */
interface Columns {
  readonly workflow: string | null;
  readonly position: number | null;
  /** Hash of the event before it in its workflow. */
  readonly before: string | null;
}

// The event before it is looked up there, by an index: to remember the last of every workflow would take all memory.
const BEFORE = `case when e.position > 0 then (select encode(sha256(p.entry), 'hex') from audit_event p
  where p.controller_id = e.controller_id and p.workflow_id = e.workflow_id and p.position = e.position - 1 limit 1) end`;

/**
 * The leaves of `[from, to)`, if every one of them is there and nothing about any is wrong; undefined otherwise. In three values,
 * because a row for each event costs more than all the rest: leaves, columns, and entries, which are JSON without line breaks.
 */
async function readSound(
  read: Read,
  controllerId: ControllerId,
  from: number,
  to: number,
): Promise<Hash[] | undefined> {
  const [row] = await read(
    ({ sql }) => sql<{ sound: boolean; leaves: Buffer; columns: string; entries: string }[]>`
      select count(*) = ${to - from}::int and bool_and(coalesce(sha256('\\x00' || e.entry) = l.leaf and e.xid = l.event_xid, false)) as sound,
        string_agg(l.leaf, '' order by l.seq) as leaves,
        string_agg(concat_ws(' ', e.workflow_id, e.position, ${sql.unsafe(BEFORE)}), E'\\n' order by l.seq) as columns,
        string_agg(convert_from(e.entry, 'UTF8'), E'\\n' order by l.seq) as entries
      from audit_leaf l left join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
      where l.controller_id = ${controllerId} and l.seq >= ${from} and l.seq < ${to}`,
  ).catch(() => []); // what is no text: the rows say which, or end as this did
  if (row?.sound !== true) return undefined;
  const columns = row.columns.split("\n");
  const entries = row.entries.split("\n");
  if (entries.length !== to - from) return undefined;
  const isSound = entries.every((entry, i) => {
    const [workflow = null, position, before = null] = columns[i]?.split(" ") ?? [];
    return checkPlace(controllerId, { workflow, position: Number(position), before }, entry) === undefined;
  });
  return isSound
    ? Array.from({ length: to - from }, (_, i) => row.leaves.subarray(i * 32, (i + 1) * 32))
    : undefined;
}

interface LeafRow extends Columns {
  readonly seq: string;
  readonly leaf: Uint8Array;
  readonly eventXid: string;
  readonly xid: string | null;
  readonly entry: Uint8Array | null;
}

function readRows(read: Read, controllerId: ControllerId, from: number, end: number): Promise<LeafRow[]> {
  return read(
    ({ sql }) => sql<LeafRow[]>`
      select l.seq, l.leaf, l.event_xid as "eventXid", e.xid, e.workflow_id as workflow, e.position, e.entry,
        ${sql.unsafe(BEFORE)} as before
      from audit_leaf l left join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
      where l.controller_id = ${controllerId} and l.seq >= ${from} and l.seq < ${end} order by l.seq limit ${BATCH}`,
  );
}

/** The leaf as it has to be. The tree is rebuilt from the entries; where one is gone, the leaf stands in so that the rest can be checked. */
function checkRow(controllerId: ControllerId, row: LeafRow, found: (code: FaultCode) => void): Hash {
  if (row.entry === null) {
    found("audit/entry-missing");
    return asHash(row.leaf);
  }
  const leaf = leafHash(row.entry);
  const fault = !same(leaf, row.leaf)
    ? "audit/entry-altered"
    : row.xid !== row.eventXid
      ? "audit/column-altered"
      : checkPlace(controllerId, row, Buffer.from(row.entry).toString("utf8"));
  if (fault !== undefined) found(fault);
  return leaf;
}

/** Two transactions of one workflow may enter the log in the other order than they committed: each only has to have the one before it. */
function checkPlace(controllerId: ControllerId, columns: Columns, text: string): FaultCode | undefined {
  const entry = readPlace(text);
  if (entry === undefined) return "audit/entry-altered";
  const { controller, workflow, position, previous } = entry;
  if (controller !== controllerId || workflow !== columns.workflow || position !== columns.position)
    return "audit/column-altered";
  return previous === columns.before && (position === 0) === (previous === null)
    ? undefined
    : "audit/chain-broken";
}
