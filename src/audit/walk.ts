import { hash } from "node:crypto";
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
 * (see {@link readBatch}); where it does not, they are looked at one by one, and this tells what is wrong.
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
  const recent = recentHashes();
  const batchFrom = (from: number) =>
    from < end ? readBatch(read, controllerId, from, Math.min(from + BATCH, end)) : undefined;
  // The database reads on, and with two hands, while what it has read is hashed.
  let ahead = [batchFrom(0), batchFrom(BATCH)];
  for (let next = 0; next < end; ) {
    const batch = await ahead.shift();
    if (ahead.length > 0) ahead.push(batchFrom(next + (ahead.length + 1) * BATCH));
    const sound = batch && (await leavesIfSound(read, controllerId, batch, recent));
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
      ahead = next === tree.size ? [batchFrom(next), batchFrom(next + BATCH)] : [];
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

/** Events one after the other, of which each has a leaf that fits it. */
interface Batch {
  readonly leaves: Buffer;
  /** `<workflow> <position>` of each, a line each. */
  readonly places: string;
  /** JSON of each, a line each unless there are line breaks in it. */
  readonly entries: string;
}

/** The events of `[from, to)`, if all are there. In three values, because a row for each costs more than all the rest. */
async function readBatch(
  read: Read,
  controllerId: ControllerId,
  from: number,
  to: number,
): Promise<Batch | undefined> {
  const [row] = await read(
    ({ sql }) => sql<(Batch & { fit: boolean })[]>`
      select count(*) = ${to - from}::int and bool_and(coalesce(sha256('\\x00' || e.entry) = l.leaf and e.xid = l.event_xid, false)) as fit,
        string_agg(l.leaf, '' order by l.seq) as leaves,
        string_agg(e.workflow_id || ' ' || e.position, E'\\n' order by l.seq) as places,
        string_agg(convert_from(e.entry, 'UTF8'), E'\\n' order by l.seq) as entries
      from audit_leaf l left join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
      where l.controller_id = ${controllerId} and l.seq >= ${from} and l.seq < ${to}`,
  ).catch(() => []); // what is no text: the rows say which, or end as this did
  return row?.fit === true ? row : undefined;
}

/** Undefined if anything is wrong with any of them. */
async function leavesIfSound(
  read: Read,
  controllerId: ControllerId,
  batch: Batch,
  recent: RecentHashes,
): Promise<Hash[] | undefined> {
  const [places, entries] = [batch.places.split("\n"), batch.entries.split("\n")];
  if (entries.length !== places.length) return undefined;
  for (const [i, entry] of entries.entries()) recent.set(places[i] ?? "", hash("sha256", entry, "hex"));
  const columns = places.map((place): Columns => {
    const [workflow, position] = [place.slice(0, UUID), Number(place.slice(UUID + 1))];
    const before = position > 0 ? recent.get(`${workflow} ${position - 1}`) : undefined;
    return { workflow, position, before: before ?? null };
  });
  const far = columns.filter((one) => (one.position ?? 0) > 0 && one.before === null);
  const before = far.length === 0 ? new Map() : await hashesBefore(read, controllerId, far);
  const isSound = columns.every((one, i) => {
    const known = one.before === null ? { ...one, before: before.get(one) ?? null } : one;
    return checkPlace(controllerId, known, entries[i] ?? "") === undefined;
  });
  return isSound ? places.map((_, i) => batch.leaves.subarray(i * 32, (i + 1) * 32)) : undefined;
}

/** Characters of an id. */
const UUID = 36;
/** Events whose hashes are kept: what follows upon one comes soon after it, but for what waits for a person or a platform. */
const RECENT = 8 * BATCH;

/** Of the events that were looked at last, by `<workflow> <position>`. To remember the last of every workflow would take all memory. */
function recentHashes() {
  let [young, old] = [new Map<string, string>(), new Map<string, string>()];
  return {
    get: (place: string) => young.get(place) ?? old.get(place),
    set(place: string, hash: string): void {
      if (young.size >= RECENT) [young, old] = [new Map(), young];
      young.set(place, hash);
    },
  };
}

type RecentHashes = ReturnType<typeof recentHashes>;

/** The hash of the event before each in its workflow, looked up there by an index. */
async function hashesBefore(
  read: Read,
  controllerId: ControllerId,
  columns: readonly Columns[],
): Promise<Map<Columns, string>> {
  const rows = await read(
    ({ sql }) => sql<{ at: number; hash: string }[]>`
      select w.at::int, encode(sha256(p.entry), 'hex') as hash
      from unnest(${columns.map(({ workflow }) => workflow)}::uuid[], ${columns.map(({ position }) => position)}::int[])
        with ordinality as w(workflow, position, at)
      cross join lateral (select entry from audit_event p where p.controller_id = ${controllerId}
        and p.workflow_id = w.workflow and p.position = w.position - 1 limit 1) p`,
  );
  return new Map(
    rows.flatMap(({ at, hash }) => (columns[at - 1] ? [[columns[at - 1] as Columns, hash]] : [])),
  );
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
        case when e.position > 0 then (select encode(sha256(p.entry), 'hex') from audit_event p
          where p.controller_id = e.controller_id and p.workflow_id = e.workflow_id and p.position = e.position - 1 limit 1) end as before
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
