import { setImmediate } from "node:timers/promises";
import type { ControllerTransaction, Database, Transaction } from "#database";
import type { ControllerId, Did } from "#schemas";
import type { KeyRing } from "#vault";
import { readPlace } from "./entry.ts";
import type { FaultCode } from "./errors.ts";
import { asHash, frontierBytes, type Hash, leafHash, rootOfLeaves, same, TreeBuilder } from "./merkle.ts";
import { readCheckpoint } from "./note.ts";
import { splitHashes, TILE } from "./sequence.ts";
import { type Statements, statements } from "./statements.ts";

export interface Fault {
  readonly controller: ControllerId;
  readonly code: FaultCode;
  /** Place in the log, where there is one. */
  readonly seq: number | null;
}

/** A controller whose log is to be verified. */
export interface LogOwner {
  readonly id: ControllerId;
  readonly did: Did;
}

export interface LogReport {
  readonly id: ControllerId;
  /** Events in the log, sealed under the head. */
  readonly events: number;
  /** Hex root of the log. */
  readonly head: string;
  /** Committed events that wait to be sealed. */
  readonly pending: number;
  /** How many hold. */
  readonly checkpoints: number;
  readonly faults: readonly Fault[];
}

/** Entries read at a time: a running hub has to answer in between. */
const BATCH = 1_000;
/** Signatures checked, and tiles hashed, in one go: some milliseconds each. */
const SIGNATURES = 32;
const TILES = 16;

/** Reads in a transaction of its own: one for a whole log would keep VACUUM from all that changes meanwhile. */
type Read = <T>(
  work: (tx: ControllerTransaction) => Promise<T>,
  options?: { snapshot: boolean },
) => Promise<T>;
type Found = (code: FaultCode, seq?: number | null) => void;

/**
 * Walks one log in the database: hashes every entry, rebuilds the tree, compares leaves, tiles, recorded
 * state, workflow chains, columns and every signed checkpoint. Reads only, as far as the log went when it began: what is
 * there stays as it is, so that the walk needs no snapshot. Memory: a hundred bytes a checkpoint, and one for every two events.
 */
export async function verifyLog(
  database: Database,
  ring: KeyRing,
  owner: LogOwner,
  progress: (done: number) => void = () => {},
): Promise<{ report: LogReport; signed: Statements }> {
  const publicKeys = (await ring.keys(owner.id)).checkpointKeys.map(({ publicKey }) => publicKey);
  const read: Read = (work, options) => database.inController(owner.id, work, options);
  const faults: Fault[] = [];
  const found: Found = (code, seq = null) => {
    if (faults.length < MOST_FAULTS) faults.push({ controller: owner.id, code, seq });
  };
  // Before the extent: whatever is signed or below this watermark by now, then has its leaf.
  const { checkpoints, signed } = await readCheckpoints(read, owner, publicKeys, found);
  const watermark = await database.acrossControllers("lethe_sequencer", readWatermark);
  const { extent, pending } = await read(
    async (tx) => ({ extent: await readExtent(tx), pending: await checkStragglers(tx, watermark, found) }),
    { snapshot: true },
  );
  const { builder, tiles } = await walkLeaves(read, owner.id, extent.end, signed, found, progress);
  await checkTiles(read, tiles, extent.tiles, found);
  checkState(extent.state, builder, found);
  const head = Buffer.from(builder.root()).toString("hex");
  return { report: { id: owner.id, events: builder.size, head, pending, checkpoints, faults }, signed };
}

/** Faults told of a log: more tell nothing more. */
export const MOST_FAULTS = 1_000;

async function readCheckpoints(
  read: Read,
  owner: LogOwner,
  publicKeys: readonly Uint8Array[],
  found: Found,
): Promise<{ checkpoints: number; signed: Statements }> {
  const signed = statements();
  let checkpoints = 0;
  for (let last = "-9223372036854775808"; ; ) {
    const rows = await read(
      ({ sql, controllerId }) => sql<{ id: string; size: string; note: string }[]>`
        select id, size, note from audit_checkpoint
        where controller_id = ${controllerId} and id > ${last}::bigint order by id limit ${BATCH}`,
    );
    for (const [index, { size, note }] of rows.entries()) {
      const checkpoint = readCheckpoint(note, publicKeys);
      if (typeof checkpoint === "string" || checkpoint.origin !== owner.did) found("audit/checkpoint-forged");
      else if (checkpoint.size !== Number(size)) found("audit/column-altered");
      else {
        signed.add({ size: checkpoint.size, root: Buffer.from(checkpoint.root).toString("hex") });
        checkpoints += 1;
      }
      if (index % SIGNATURES === SIGNATURES - 1) await setImmediate();
    }
    last = rows.at(-1)?.id ?? last;
    if (rows.length < BATCH) return { checkpoints, signed };
  }
}

interface State {
  readonly size: string;
  readonly frontier: Uint8Array;
}

interface TileRange {
  readonly level: number;
  readonly count: number;
}

/** How far everything goes at one moment: what is added after it is for the next time. */
async function readExtent({ sql, controllerId }: ControllerTransaction) {
  const [[leaves], [state], tiles] = await Promise.all([
    sql<{ end: string }[]>`
      select coalesce(max(seq) + 1, 0) as end from audit_leaf where controller_id = ${controllerId}`,
    sql<State[]>`select size, frontier from audit_log where controller_id = ${controllerId}`,
    sql<TileRange[]>`
      select level, count(*)::int as count from audit_tile where controller_id = ${controllerId} group by level`,
  ]);
  return { end: leaves?.end ?? "0", state, tiles };
}

interface LeafRow {
  readonly seq: string;
  readonly leaf: Uint8Array;
  readonly eventXid: string;
  readonly xid: string | null;
  readonly workflow: string | null;
  readonly position: number | null;
  readonly entry: Uint8Array | null;
  /** Hash of the event before it in its workflow. */
  readonly before: string | null;
}

async function walkLeaves(
  read: Read,
  controllerId: ControllerId,
  end: string,
  signed: Statements,
  found: Found,
  progress: (done: number) => void,
) {
  const builder = new TreeBuilder();
  const tiles: Hash[] = [];
  let tile: Hash[] = [];
  const checkRoots = () => {
    const roots = signed.rootsAt(builder.size);
    if (roots.length === 0) return;
    const root = Buffer.from(builder.root()).toString("hex");
    for (const one of roots) if (one !== root) found("audit/root-mismatch", builder.size - 1);
  };
  checkRoots();
  for (let next = -1; ; ) {
    // The event before it is looked up there, by an index: to remember the last of every workflow would take all memory.
    const rows = await read(
      ({ sql }) => sql<LeafRow[]>`
      select l.seq, l.leaf, l.event_xid as "eventXid", e.xid, e.workflow_id as workflow, e.position, e.entry,
        case when e.position > 0 then (select encode(sha256(p.entry), 'hex') from audit_event p
          where p.controller_id = e.controller_id and p.workflow_id = e.workflow_id and p.position = e.position - 1 limit 1) end as before
      from audit_leaf l left join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
      where l.controller_id = ${controllerId} and l.seq > ${next} and l.seq < ${end}::bigint order by l.seq limit ${BATCH}`,
    );
    for (const row of rows) {
      const seq = Number(row.seq);
      if (seq !== builder.size) found("audit/sequence-broken", seq);
      // The tree is rebuilt from the entries; where one is gone, the leaf stands in so that the rest can be checked.
      const leaf = row.entry === null ? asHash(row.leaf) : leafHash(row.entry);
      if (row.entry === null) found("audit/entry-missing", seq);
      else if (!same(leaf, row.leaf)) found("audit/entry-altered", seq);
      else {
        const fault = checkEntry(controllerId, row, row.entry);
        if (fault !== undefined) found(fault, seq);
      }
      builder.append(leaf);
      tile.push(leaf);
      if (tile.length === TILE) {
        tiles.push(rootOfLeaves(tile));
        tile = [];
      }
      checkRoots();
      next = seq;
    }
    progress(builder.size);
    if (rows.length < BATCH) break;
  }
  if (signed.largest() > builder.size) found("audit/log-truncated", builder.size);
  return { builder, tiles };
}

/** Two transactions of one workflow may enter the log in the other order than they committed: each only has to have the one before it. */
function checkEntry(controllerId: ControllerId, row: LeafRow, bytes: Uint8Array): FaultCode | undefined {
  const entry = readPlace(bytes);
  if (entry === undefined) return "audit/entry-altered";
  const { controller, workflow, position, previous } = entry;
  if (
    controller !== controllerId ||
    workflow !== row.workflow ||
    position !== row.position ||
    row.xid !== row.eventXid
  )
    return "audit/column-altered";
  return previous === row.before && (position === 0) === (previous === null)
    ? undefined
    : "audit/chain-broken";
}

/** Stored tiles against the rebuilt ones, level by level; of each level there are as many as the log fills. */
async function checkTiles(
  read: Read,
  level0: readonly Hash[],
  ranges: readonly TileRange[],
  found: Found,
): Promise<void> {
  const counts = new Map(ranges.map(({ level, count }) => [level, count]));
  let expected = level0;
  for (let level = 0; expected.length > 0; level++) {
    if (counts.get(level) !== expected.length) found("audit/tile-altered");
    counts.delete(level);
    for (let from = 0; from < expected.length; from += TILES) {
      const rows = await read(
        ({ sql, controllerId }) => sql<{ index: string; hashes: Uint8Array }[]>`
          select index, hashes from audit_tile
          where controller_id = ${controllerId} and level = ${level} and index >= ${from} and index < ${from + TILES}`,
      );
      const stored = new Map(rows.map(({ index, hashes }) => [Number(index), hashes]));
      for (const [i, wanted] of expected.slice(from, from + TILES).entries()) {
        const hashes = stored.get(from + i);
        if (hashes?.length !== TILE * 32 || !same(rootOfLeaves(splitHashes(hashes)), wanted))
          found("audit/tile-altered", (from + i) * TILE ** (level + 1));
      }
    }
    expected = Array.from({ length: Math.floor(expected.length / TILE) }, (_, i) =>
      rootOfLeaves(expected.slice(i * TILE, (i + 1) * TILE)),
    );
  }
  // Of levels that the log does not have: the sequencer would stumble over them when it comes to have them.
  if (counts.size > 0) found("audit/tile-altered");
}

function checkState(state: State | undefined, builder: TreeBuilder, found: Found): void {
  const expected = builder.frontier();
  const matches =
    state === undefined
      ? expected.size === 0
      : Number(state.size) === expected.size && same(state.frontier, frontierBytes(expected));
  if (!matches) found("audit/state-altered");
}

interface Watermark {
  readonly floor: string;
  readonly xid: string;
  readonly id: string;
}

async function readWatermark({ sql }: Transaction): Promise<Watermark> {
  const [row] = await sql<Watermark[]>`
    select floor_id as floor, watermark_xid as xid, watermark_id as id from audit_sequencer`;
  return row ?? { floor: "0", xid: "0", id: "0" };
}

/** Events without a leaf: those above the watermark wait; one below it was not there when the log passed. And one with two leaves is in the log twice. */
async function checkStragglers(
  tx: ControllerTransaction,
  { floor, xid, id }: Watermark,
  found: Found,
): Promise<number> {
  const [counted] = await tx.sql<{ pending: number; inserted: number; doubled: number }[]>`
    select count(*) filter (where leaf is null and waits)::int as pending,
      count(*) filter (where leaf is null and not waits)::int as inserted,
      (count(*) - (select count(*) from audit_event where controller_id = ${tx.controllerId}))::int as doubled
    from (select l.event_id as leaf, (e.xid, e.id) > (${xid}::xid8, ${id}::bigint) and e.id > ${floor}::bigint as waits
          from audit_event e left join audit_leaf l on l.controller_id = e.controller_id and l.event_id = e.id
          where e.controller_id = ${tx.controllerId}) events`;
  for (let i = 0; i < Math.min(counted?.inserted ?? 0, MOST_FAULTS); i++) found("audit/event-inserted");
  if ((counted?.doubled ?? 0) > 0) found("audit/chain-broken");
  return counted?.pending ?? 0;
}
