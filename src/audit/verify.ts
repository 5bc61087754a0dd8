import { setImmediate } from "node:timers/promises";
import type { ControllerTransaction, Database, Transaction } from "#database";
import type { ControllerId, Did } from "#schemas";
import type { KeyRing } from "#vault";
import type { FaultCode } from "./errors.ts";
import { frontierBytes, same } from "./merkle.ts";
import { readCheckpoint } from "./note.ts";
import { TILE } from "./sequence.ts";
import { type Statements, statements } from "./statements.ts";
import { type FullTile, type TiledTree, tilesAbove } from "./tiled-tree.ts";
import { type Found, type Read, walkLeaves } from "./walk.ts";

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

/** Read at a time: a running hub has to answer in between. */
const BATCH = 1_000;
const TILES = 1_000;
/** Signatures checked in one go: some milliseconds. */
const SIGNATURES = 32;

/**
 * Walks one log in the database: hashes every entry, rebuilds the tree, compares leaves, tiles, recorded
 * state, workflow chains, columns and every signed checkpoint. Reads only, as far as the log went when it began: what is
 * there stays as it is, so that the walk needs no snapshot. Memory: a hundred bytes a checkpoint, and one for every event.
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
    async (tx) => ({
      extent: await readExtent(tx, found),
      pending: await checkStragglers(tx, watermark, found),
    }),
    { snapshot: true },
  );
  const tree = await walkLeaves(read, owner.id, extent.end, signed, found, progress);
  await checkTiles(read, tree.tiles, extent.tiles, found);
  checkState(extent.state, tree, found);
  const head = Buffer.from(tree.root()).toString("hex");
  return { report: { id: owner.id, events: tree.size, head, pending, checkpoints, faults }, signed };
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
async function readExtent({ sql, controllerId }: ControllerTransaction, found: Found) {
  const [[leaves], [state], tiles] = await Promise.all([
    sql<{ first: string | null; last: string | null }[]>`
      select min(seq) as first, max(seq) as last from audit_leaf where controller_id = ${controllerId}`,
    sql<State[]>`select size, frontier from audit_log where controller_id = ${controllerId}`,
    sql<TileRange[]>`
      select level, count(*)::int as count from audit_tile where controller_id = ${controllerId} group by level`,
  ]);
  const [first, last] = [Number(leaves?.first ?? 0), Number(leaves?.last ?? -1)];
  // Places where no walk from 0 comes to, and such as a number of JavaScript would round.
  if (first < 0) found("audit/sequence-broken", first);
  if (last >= Number.MAX_SAFE_INTEGER) found("audit/sequence-broken");
  return { end: Math.min(last + 1, Number.MAX_SAFE_INTEGER), state, tiles };
}

/** Stored tiles against the rebuilt ones, level by level; of each level there are as many as the log fills. */
async function checkTiles(
  read: Read,
  level0: readonly FullTile[],
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
        ({ sql, controllerId }) => sql<{ index: string; digest: Uint8Array }[]>`
          select index, sha256(hashes) as digest from audit_tile
          where controller_id = ${controllerId} and level = ${level} and index >= ${from} and index < ${from + TILES}`,
      );
      const stored = new Map(rows.map(({ index, digest }) => [Number(index), digest]));
      for (const [i, { digest }] of expected.slice(from, from + TILES).entries())
        if (!same(stored.get(from + i) ?? new Uint8Array(), digest))
          found("audit/tile-altered", (from + i) * TILE ** (level + 1));
    }
    expected = tilesAbove(expected);
  }
  // Of levels that the log does not have: the sequencer would stumble over them when it comes to have them.
  if (counts.size > 0) found("audit/tile-altered");
}

function checkState(state: State | undefined, tree: TiledTree, found: Found): void {
  const expected = tree.frontier();
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
