import type { ControllerTransaction } from "#database";
import { type Hash, rootOf, rootOfLeaves, type SubtreeRoot, TreeBuilder } from "./merkle.ts";
import { splitHashes, TILE } from "./sequence.ts";

/** Leaves `[from, to)` that are a subtree of an RFC 6962 tree: as its proofs ask for them. */
export type Range = readonly [from: number, to: number];

/** Where hashes come from: stored tiles, and the leaves at the right edge, which fill no tile yet. */
export interface TileSource {
  tile(level: number, index: number): readonly Hash[];
  leaf(index: number): Hash;
}

/**
 * Reads what it takes to give the roots of those subtrees of the tree of `size` leaves, in two queries: for a proof in a log of a million
 * less than a hundred tiles of 8 KB, where its leaves are 32 MB. A tile that is missing or altered gives a wrong root, and no proof that holds.
 */
export async function subtreesOf(
  { sql, controllerId }: ControllerTransaction,
  size: number,
  ranges: readonly Range[],
): Promise<SubtreeRoot> {
  const needed = tilesFor(size, ranges);
  const edge = size - (size % TILE);
  const [tiles, leaves] = await Promise.all([
    sql<{ level: number; index: string; hashes: Uint8Array }[]>`
      select level, index, hashes from audit_tile where controller_id = ${controllerId} and (level, index) in (
        select * from unnest(${needed.map(({ level }) => level)}::int[], ${needed.map(({ index }) => index)}::bigint[]))`,
    sql<{ seq: string; leaf: Uint8Array }[]>`select seq, leaf from audit_leaf
      where controller_id = ${controllerId} and seq >= ${edge} and seq < ${size}`,
  ]);
  const tileOf = new Map(tiles.map(({ level, index, hashes }) => [`${level} ${index}`, splitHashes(hashes)]));
  const leafOf = new Map(leaves.map(({ seq, leaf }) => [Number(seq), leaf]));
  return subtreeRoots(size, {
    tile: (level, index) => tileOf.get(`${level} ${index}`) ?? [],
    leaf: (index) => leafOf.get(index) ?? NONE,
  });
}

/** Gives the roots of subtrees of the tree of `size` leaves. */
export function subtreeRoots(size: number, source: TileSource): SubtreeRoot {
  const hashesOf = ({ level, from, to }: Run): readonly Hash[] => {
    const index = Math.floor(from / TILE);
    if (isFull(size, level, index)) return source.tile(level, index).slice(from % TILE, to - index * TILE);
    const one = (i: number) => (level === 0 ? source.leaf(i) : rootOfLeaves(source.tile(level - 1, i)));
    return Array.from({ length: to - from }, (_, i) => one(from + i));
  };
  return (from, to) => {
    const roots = runsOf([from, to]).flatMap((run) => {
      const tree = new TreeBuilder();
      for (const hash of hashesOf(run)) tree.append(hash);
      return tree.frontier().roots;
    });
    return rootOf({ size: to - from, roots });
  };
}

/** The tiles that those subtrees' roots are made of, each once. */
export function tilesFor(size: number, ranges: readonly Range[]): { level: number; index: number }[] {
  const tiles = ranges.flatMap(runsOf).flatMap(({ level, from, to }) => {
    const index = Math.floor(from / TILE);
    if (isFull(size, level, index)) return [{ level, index }];
    return level === 0
      ? []
      : Array.from({ length: to - from }, (_, i) => ({ level: level - 1, index: from + i }));
  });
  return [...new Map(tiles.map((tile) => [`${tile.level} ${tile.index}`, tile])).values()];
}

const NONE: Hash = new Uint8Array(32);

/** Hashes `[from, to)` of a level: each the root of 256^level leaves. They are all of one tile. */
interface Run {
  readonly level: number;
  readonly from: number;
  readonly to: number;
}

/** A subtree in as few hashes as levels have it, from the left, the largest first. */
function runsOf([from, to]: Range): Run[] {
  const runs: Run[] = [];
  let at = from;
  for (let level = HIGHEST; level >= 0; level--) {
    const span = TILE ** level;
    const count = Math.floor((to - at) / span);
    if (count > 0) runs.push({ level, from: at / span, to: at / span + count });
    at += count * span;
  }
  return runs;
}

/** 256^6 leaves: more than there are numbers that a log's size could have. */
const HIGHEST = 6;

/** Only full tiles are stored. */
function isFull(size: number, level: number, index: number): boolean {
  return (index + 1) * TILE ** (level + 1) <= size;
}
