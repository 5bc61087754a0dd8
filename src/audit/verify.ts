import { hash } from "node:crypto";
import type { ControllerTransaction, Database, Transaction } from "#database";
import type { ControllerId, Did } from "#schemas";
import type { KeyRing } from "#vault";
import { chainChecker } from "./chains.ts";
import { readEntry } from "./entry.ts";
import type { FaultCode } from "./errors.ts";
import { asHash, frontierBytes, type Hash, leafHash, rootOfLeaves, same, TreeBuilder } from "./merkle.ts";
import { type Checkpoint, readCheckpoint } from "./note.ts";
import { splitHashes, TILE } from "./sequence.ts";

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
  readonly checkpoints: readonly Checkpoint[];
  readonly faults: readonly Fault[];
}

/** Entries read at a time: a running hub has to answer in between. */
const BATCH = 1_000;

/**
 * Walks one log in the database: hashes every entry, rebuilds the tree, compares leaves, tiles, recorded
 * state, workflow chains, columns and every signed checkpoint. Reads only, at one moment.
 */
export async function verifyLog(
  database: Database,
  ring: KeyRing,
  owner: LogOwner,
  progress: (done: number) => void = () => {},
): Promise<LogReport> {
  const publicKeys = (await ring.keys(owner.id)).checkpointKeys.map(({ publicKey }) => publicKey);
  // Before the snapshot: whatever is below this watermark then has its leaf in the snapshot.
  const watermark = await database.acrossControllers("lethe_sequencer", readWatermark);
  return database.inController(
    owner.id,
    async (tx) => {
      const faults: Fault[] = [];
      const found = (code: FaultCode, seq: number | null = null) => {
        if (faults.length < 1_000) faults.push({ controller: owner.id, code, seq });
      };
      const checkpoints = await readCheckpoints(tx, owner, publicKeys, found);
      const { builder, tiles } = await walkLeaves(tx, checkpoints, found, progress);
      await checkTiles(tx, tiles, found);
      await checkState(tx, builder, found);
      const pending = await checkStragglers(tx, watermark, found);
      const head = Buffer.from(builder.root()).toString("hex");
      return { id: owner.id, events: builder.size, head, pending, checkpoints, faults };
    },
    { snapshot: true },
  );
}

type Found = (code: FaultCode, seq?: number | null) => void;

async function readCheckpoints(
  tx: ControllerTransaction,
  owner: LogOwner,
  publicKeys: readonly Uint8Array[],
  found: Found,
): Promise<Checkpoint[]> {
  const rows = await tx.sql<{ size: string; note: string }[]>`select size, note from audit_checkpoint
    where controller_id = ${tx.controllerId} order by id`;
  const signed: Checkpoint[] = [];
  for (const { size, note } of rows) {
    const checkpoint = readCheckpoint(note, publicKeys);
    if (typeof checkpoint === "string" || checkpoint.origin !== owner.did) found("audit/checkpoint-forged");
    else if (checkpoint.size !== Number(size)) found("audit/column-altered");
    else signed.push(checkpoint);
  }
  return signed;
}

interface LeafRow {
  readonly seq: string;
  readonly leaf: Uint8Array;
  readonly eventXid: string;
  readonly xid: string | null;
  readonly workflow: string | null;
  readonly position: number | null;
  readonly entry: Uint8Array | null;
}

async function walkLeaves(
  tx: ControllerTransaction,
  signed: readonly Checkpoint[],
  found: Found,
  progress: (done: number) => void,
) {
  const builder = new TreeBuilder();
  const tiles: Hash[] = [];
  let tile: Hash[] = [];
  const bySize = Map.groupBy(signed, ({ size }) => size);
  const checkRoots = () => {
    for (const checkpoint of bySize.get(builder.size) ?? [])
      if (!same(checkpoint.root, builder.root())) found("audit/root-mismatch", builder.size - 1);
    bySize.delete(builder.size);
  };
  const chains = chainChecker();
  checkRoots();
  for (let next = -1; ; ) {
    const rows = await tx.sql<LeafRow[]>`
      select l.seq, l.leaf, l.event_xid as "eventXid", e.xid, e.workflow_id as workflow, e.position, e.entry
      from audit_leaf l left join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
      where l.controller_id = ${tx.controllerId} and l.seq > ${next} order by l.seq limit ${BATCH}`;
    for (const row of rows) {
      const seq = Number(row.seq);
      if (seq !== builder.size) found("audit/sequence-broken", seq);
      // The tree is rebuilt from the entries; where one is gone, the leaf stands in so that the rest can be checked.
      const leaf = row.entry === null ? asHash(row.leaf) : leafHash(row.entry);
      if (row.entry === null) found("audit/entry-missing", seq);
      else if (!same(leaf, row.leaf)) found("audit/entry-altered", seq);
      else {
        const fault = checkEntry(tx.controllerId, row, row.entry, chains);
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
  for (let i = 0; i < chains.broken(); i++) found("audit/chain-broken");
  if ([...bySize.keys()].some((size) => size > builder.size)) found("audit/log-truncated", builder.size);
  return { builder, tiles };
}

function checkEntry(
  controllerId: ControllerId,
  row: LeafRow,
  bytes: Uint8Array,
  chains: ReturnType<typeof chainChecker>,
): FaultCode | undefined {
  const entry = readEntry(bytes);
  if (entry === undefined) return "audit/entry-altered";
  const { controller, workflow, position, previous } = entry;
  if (
    controller !== controllerId ||
    workflow !== row.workflow ||
    position !== row.position ||
    row.xid !== row.eventXid
  )
    return "audit/column-altered";
  return chains.add({ workflow, position, previous, hash: hash("sha256", bytes, "hex") })
    ? undefined
    : "audit/chain-broken";
}

/** Stored tiles against the rebuilt ones, level by level. */
async function checkTiles(tx: ControllerTransaction, level0: readonly Hash[], found: Found): Promise<void> {
  const rows = await tx.sql<{ level: number; index: string; hashes: Uint8Array }[]>`
    select level, index, hashes from audit_tile where controller_id = ${tx.controllerId} order by level, index`;
  const stored = Map.groupBy(rows, ({ level }) => level);
  let expected = level0;
  for (let level = 0; expected.length > 0 || stored.has(level); level++) {
    const tiles = stored.get(level) ?? [];
    stored.delete(level);
    const roots = tiles.map(({ hashes }) =>
      hashes.length === TILE * 32 ? rootOfLeaves(splitHashes(hashes)) : new Uint8Array(32),
    );
    if (tiles.length !== expected.length) found("audit/tile-altered");
    for (const [index, tile] of tiles.entries()) {
      const root = roots[index];
      const wanted = expected[index];
      if (Number(tile.index) !== index || root === undefined || wanted === undefined || !same(root, wanted))
        found("audit/tile-altered", index * TILE ** (level + 1));
    }
    expected = Array.from({ length: Math.floor(expected.length / TILE) }, (_, i) =>
      rootOfLeaves(expected.slice(i * TILE, (i + 1) * TILE)),
    );
  }
  // Of levels that the log does not have: the sequencer would stumble over them when it comes to have them.
  if (stored.size > 0) found("audit/tile-altered");
}

async function checkState(tx: ControllerTransaction, builder: TreeBuilder, found: Found): Promise<void> {
  const [state] = await tx.sql<{ size: string; frontier: Uint8Array }[]>`
    select size, frontier from audit_log where controller_id = ${tx.controllerId}`;
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

/** Events without a leaf: those above the watermark wait; one below it was not there when the log passed. */
async function checkStragglers(
  tx: ControllerTransaction,
  { floor, xid, id }: Watermark,
  found: Found,
): Promise<number> {
  const [counted] = await tx.sql<{ pending: number; inserted: number }[]>`
    select count(*) filter (where waits)::int as pending, count(*) filter (where not waits)::int as inserted
    from (select (e.xid, e.id) > (${xid}::xid8, ${id}::bigint) and e.id > ${floor}::bigint as waits
          from audit_event e left join audit_leaf l on l.controller_id = e.controller_id and l.event_id = e.id
          where e.controller_id = ${tx.controllerId} and l.event_id is null) unsealed`;
  for (let i = 0; i < (counted?.inserted ?? 0); i++) found("audit/event-inserted");
  return counted?.pending ?? 0;
}
