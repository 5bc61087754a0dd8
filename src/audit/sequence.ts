import { setTimeout as sleep } from "node:timers/promises";
import { asBytea, type Database, type Transaction } from "#database";
import type { ControllerId } from "#schemas";
import {
  EMPTY,
  type Frontier,
  frontierBytes,
  frontierFrom,
  type Hash,
  rootOfLeaves,
  TreeBuilder,
} from "./merkle.ts";

/** Committed events, in the order in which they enter the log. */
interface EventRow {
  readonly controllerId: ControllerId;
  readonly id: string;
  readonly xid: string;
  /** Hashed where the entry lies: it need not travel for that. */
  readonly leaf: Hash;
}

const BATCH = 4_000;
/** Hashes in a full tile (C2SP tlog-tiles). */
export const TILE = 256;

/**
 * Gives the next committed events their place: leaves, full tiles, log state and watermark in one
 * transaction, run by one sequencer at a time. Returns how many there were; fewer than `BATCH` means it caught up.
 *
 * `(xid, id)` orders them; a transaction is complete once every older one is over (`xid < xmin`), so no
 * event can appear behind the watermark later.
 */
export async function sequenceNext(tx: Transaction): Promise<{ sequenced: number; caughtUp: boolean }> {
  const [state] = await tx.sql<{ floor: string; xid: string; id: string }[]>`
    select floor_id as floor, watermark_xid as xid, watermark_id as id from audit_sequencer`;
  if (state === undefined) return { sequenced: 0, caughtUp: true };
  const rows = await tx.sql<EventRow[]>`
    select controller_id as "controllerId", id, xid, ${leafOf(tx)} as leaf from audit_event
    where (xid, id) > (${state.xid}::xid8, ${state.id}::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
      and id > ${state.floor}::bigint
    order by xid, id limit ${BATCH}`;
  const last = rows.at(-1);
  if (last === undefined) return { sequenced: 0, caughtUp: true };
  await addLeaves(tx, rows);
  await tx.sql`update audit_sequencer set watermark_xid = ${last.xid}::xid8, watermark_id = ${last.id}::bigint`;
  return { sequenced: rows.length, caughtUp: rows.length < BATCH };
}

/**
 * Transaction ids start anew in another cluster (a restored dump), so the watermark means nothing there: what
 * came along without a leaf is added first, and counting starts again above it.
 */
export async function startEpoch(
  begin: <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>,
): Promise<void> {
  const horizon = await begin(async ({ sql }) => {
    const [now] = await sql<{ cluster: string; known: string | null; highest: string; open: string }[]>`
      select (select system_identifier::text from pg_control_system()) as cluster,
        (select cluster from audit_sequencer) as known,
        coalesce((select max(id) from audit_event), 0) as highest,
        pg_snapshot_xmax(pg_current_snapshot()) as open`;
    return now;
  });
  if (horizon === undefined || horizon.cluster === horizon.known) return;
  // Whoever was writing just now may still commit an id below `highest`.
  while (!(await begin(({ sql }) => isOver(sql, horizon.open)))) await sleep(20);
  await begin(async (tx) => {
    const rows = await tx.sql<EventRow[]>`
      select e.controller_id as "controllerId", e.id, e.xid, ${leafOf(tx)} as leaf from audit_event e
      where e.id <= ${horizon.highest}::bigint and not exists (
        select from audit_leaf l where l.controller_id = e.controller_id and l.event_id = e.id)
      order by e.id`;
    await addLeaves(tx, rows);
    await tx.sql`
      insert into audit_sequencer (controller_id, cluster, epoch, floor_id, watermark_xid, watermark_id)
      values ('00000000-0000-0000-0000-000000000000', ${horizon.cluster}, 1, ${horizon.highest}::bigint, '0'::xid8, 0)
      on conflict (controller_id) do update set cluster = excluded.cluster, epoch = audit_sequencer.epoch + 1,
        floor_id = excluded.floor_id, watermark_xid = excluded.watermark_xid, watermark_id = 0`;
  });
}

/**
 * Waits, for so many milliseconds at most, until everything that is committed now can be put in order: any
 * transaction in the cluster that is older, in whatever database, holds it back.
 */
export async function orderSettled(database: Database, milliseconds: number): Promise<void> {
  const look = <T>(work: (sql: Transaction["sql"]) => Promise<T>) =>
    database.acrossControllers("lethe_sequencer", ({ sql }) => work(sql));
  const [now] = await look((sql) => sql`select pg_snapshot_xmax(pg_current_snapshot()) as open`);
  const deadline = Date.now() + milliseconds;
  while (!(await look((sql) => isOver(sql, String(now?.open)))) && Date.now() < deadline) await sleep(10);
}

async function isOver(sql: Transaction["sql"], open: string): Promise<boolean> {
  const [row] = await sql`select pg_snapshot_xmin(pg_current_snapshot()) >= ${open}::xid8 as over`;
  return row?.over === true;
}

/** As `leafHash` of `merkle.ts` has it. */
const leafOf = ({ sql }: Transaction) => sql`sha256('\\x00'::bytea || entry)`;

async function addLeaves(tx: Transaction, rows: readonly EventRow[]): Promise<void> {
  const byController = Map.groupBy(rows, ({ controllerId }) => controllerId);
  const logs = await readLogs(tx, [...byController.keys()]);
  for (const [controllerId, events] of byController) {
    const tree = new TreeBuilder(logs.get(controllerId) ?? EMPTY);
    const first = tree.size;
    const leaves = events.map(({ leaf }) => leaf);
    for (const leaf of leaves) tree.append(leaf);
    const sequence = events.map((_, index) => first + index);
    await tx.sql`
      insert into audit_leaf (controller_id, seq, event_id, event_xid, leaf)
      select ${controllerId}::uuid, seq, id, xid::xid8, leaf from unnest(${sequence}::bigint[], ${events.map(({ id }) => id)}::bigint[],
        ${events.map(({ xid }) => xid)}::text[], ${asBytea(leaves)}::bytea[]) as t(seq, id, xid, leaf)`;
    await tx.sql`
      insert into audit_log (controller_id, size, frontier) values (${controllerId}, ${tree.size}, ${frontierBytes(tree.frontier())})
      on conflict (controller_id) do update set size = excluded.size, frontier = excluded.frontier`;
    await writeFullTiles(tx, controllerId, first, tree.size);
  }
}

async function readLogs(tx: Transaction, controllers: ControllerId[]): Promise<Map<ControllerId, Frontier>> {
  const rows = await tx.sql<{ id: ControllerId; size: string; frontier: Uint8Array }[]>`
    select controller_id as id, size, frontier from audit_log where controller_id = any(${controllers}::uuid[])`;
  return new Map(rows.map(({ id, size, frontier }) => [id, frontierFrom(Number(size), frontier)]));
}

/** Writes the tiles that filled up between two sizes: level 0 holds leaves, level n the roots of level n-1's tiles. */
async function writeFullTiles(
  tx: Transaction,
  controllerId: ControllerId,
  from: number,
  to: number,
): Promise<void> {
  for (let level = 0, span = TILE; to >= span; level++, span *= TILE) {
    for (let index = Math.floor(from / span); index < Math.floor(to / span); index++) {
      const hashes =
        level === 0
          ? await leavesOf(tx, controllerId, index)
          : await tileRoots(tx, controllerId, level - 1, index);
      await tx.sql`insert into audit_tile (controller_id, level, index, hashes)
        values (${controllerId}, ${level}, ${index}, ${Buffer.concat(hashes)})`;
    }
  }
}

async function leavesOf(tx: Transaction, controllerId: ControllerId, tile: number): Promise<Hash[]> {
  const rows = await tx.sql<{ leaf: Uint8Array }[]>`select leaf from audit_leaf
    where controller_id = ${controllerId} and seq >= ${tile * TILE} and seq < ${(tile + 1) * TILE} order by seq`;
  return rows.map(({ leaf }) => leaf);
}

async function tileRoots(
  tx: Transaction,
  controllerId: ControllerId,
  level: number,
  parent: number,
): Promise<Hash[]> {
  const rows = await tx.sql<{ hashes: Uint8Array }[]>`select hashes from audit_tile
    where controller_id = ${controllerId} and level = ${level}
      and index >= ${parent * TILE} and index < ${(parent + 1) * TILE} order by index`;
  return rows.map(({ hashes }) => rootOfLeaves(splitHashes(hashes)));
}

/** A tile's bytes as hashes. */
export function splitHashes(hashes: Uint8Array): Hash[] {
  return Array.from({ length: hashes.length / 32 }, (_, i) => hashes.subarray(i * 32, i * 32 + 32));
}
