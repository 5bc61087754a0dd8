import { hash } from "node:crypto";
import { type Frontier, type Hash, rootOf, TreeBuilder } from "./merkle.ts";
import { TILE } from "./sequence.ts";

/** What a full tile must hold: the digest of its hashes as they are stored, and the root over them. */
export interface FullTile {
  readonly digest: Hash;
  readonly root: Hash;
}

/** A growing tree that remembers its full tiles: its own root is then built over theirs, and nothing is hashed twice. */
export class TiledTree {
  /** Of the lowest level, in order. */
  readonly tiles: FullTile[] = [];
  readonly #above = new TreeBuilder();
  #tile = new TreeBuilder();
  readonly #leaves = Buffer.alloc(TILE * 32);

  get size(): number {
    return this.#above.size * TILE + this.#tile.size;
  }

  append(leaf: Hash): void {
    this.#leaves.set(leaf, this.#tile.size * 32);
    this.#tile.append(leaf);
    if (this.#tile.size < TILE) return;
    const root = this.#tile.root();
    this.tiles.push({ root, digest: hash("sha256", this.#leaves, "buffer") });
    this.#above.append(root);
    this.#tile = new TreeBuilder();
  }

  frontier(): Frontier {
    return { size: this.size, roots: [...this.#above.frontier().roots, ...this.#tile.frontier().roots] };
  }

  root(): Hash {
    return rootOf(this.frontier());
  }
}

/** The tiles that a level of full ones has above it. */
export function tilesAbove(level: readonly FullTile[]): FullTile[] {
  return Array.from({ length: Math.floor(level.length / TILE) }, (_, i) => {
    const tree = new TiledTree();
    for (const { root } of level.slice(i * TILE, (i + 1) * TILE)) tree.append(root);
    return tree.tiles;
  }).flat();
}
