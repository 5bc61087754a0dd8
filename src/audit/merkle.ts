import { hash } from "node:crypto";

/** RFC 6962 Merkle trees over SHA-256: hashes, roots from the right edge, inclusion and consistency proofs. */
export type Hash = Uint8Array;

/** Root of an empty tree: SHA-256 of nothing. */
const EMPTY_ROOT: Hash = hash("sha256", "", "buffer");

/** SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Hash {
  const input = Buffer.allocUnsafe(entry.length + 1);
  input[0] = 0;
  input.set(entry, 1);
  return hash("sha256", input, "buffer");
}

const nodeInput = Buffer.allocUnsafe(65);
nodeInput[0] = 1;

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  nodeInput.set(left, 1);
  nodeInput.set(right, 33);
  return hash("sha256", nodeInput, "buffer");
}

/** A growing tree, known by its size and the roots of its full subtrees, largest first: all that appending needs. */
export interface Frontier {
  readonly size: number;
  readonly roots: readonly Hash[];
}

export const EMPTY: Frontier = { size: 0, roots: [] };

/** Appends leaves one at a time; keeps the array of roots, so a frontier grows in place. */
export class TreeBuilder {
  size: number;
  readonly #roots: Hash[];

  constructor(from: Frontier = EMPTY) {
    this.size = from.size;
    this.#roots = [...from.roots];
  }

  append(leaf: Hash): void {
    let root = leaf;
    // A full subtree merges with its equal for every trailing one-bit of the size.
    for (let size = this.size; size % 2 === 1; size = Math.floor(size / 2))
      root = nodeHash(this.#roots.pop() ?? EMPTY_ROOT, root);
    this.#roots.push(root);
    this.size += 1;
  }

  root(): Hash {
    return rootOf(this.frontier());
  }

  frontier(): Frontier {
    return { size: this.size, roots: [...this.#roots] };
  }
}

export function rootOf({ roots }: Frontier): Hash {
  return roots.length === 0 ? EMPTY_ROOT : roots.reduceRight((right, left) => nodeHash(left, right));
}

export function rootOfLeaves(leaves: readonly Hash[]): Hash {
  const tree = new TreeBuilder();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

export function frontierBytes({ roots }: Frontier): Uint8Array {
  return Buffer.concat(roots);
}

/** Reads what {@link frontierBytes} wrote. Throws if the number of roots does not fit the size. */
export function frontierFrom(size: number, bytes: Uint8Array): Frontier {
  const count = size.toString(2).replaceAll("0", "").length;
  if (bytes.length !== count * 32)
    throw new RangeError(`a tree of ${size} leaves has ${count} full subtrees`);
  return { size, roots: Array.from({ length: count }, (_, i) => bytes.slice(i * 32, i * 32 + 32)) };
}

/** Gives the root of the leaves `[from, to)` of the tree. */
export type SubtreeRoot = (from: number, to: number) => Promise<Hash> | Hash;

/** Hashes that lead from leaf `index` to the root of the first `size` leaves (RFC 6962 §2.1.1). */
export async function inclusionProof(index: number, size: number, subtree: SubtreeRoot): Promise<Hash[]> {
  const walk = async (at: number, from: number, to: number): Promise<Hash[]> => {
    if (to - from === 1) return [];
    const middle = from + splitPoint(to - from);
    return at < middle
      ? [...(await walk(at, from, middle)), await subtree(middle, to)]
      : [...(await walk(at, middle, to)), await subtree(from, middle)];
  };
  return walk(index, 0, size);
}

/**
 * The root that an inclusion proof leads to, from a leaf's hash and its index in a tree of `size` (RFC 9162 §2.1.3.2); undefined if the
 * proof has another length than such a one.
 */
export function rootFromInclusion(
  leaf: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
): Hash | undefined {
  if (index >= size) return undefined;
  let [fn, sn, root] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (sn === 0) return undefined;
    if (fn % 2 === 1 || fn === sn) {
      root = nodeHash(sibling, root);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else root = nodeHash(root, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 ? root : undefined;
}

/** Hashes that show the first `old` leaves to be a prefix of the first `size` (RFC 6962 §2.1.2). */
export async function consistencyProof(old: number, size: number, subtree: SubtreeRoot): Promise<Hash[]> {
  const walk = async (m: number, from: number, to: number, whole: boolean): Promise<Hash[]> => {
    if (m === to) return whole ? [] : [await subtree(from, to)];
    const middle = from + splitPoint(to - from);
    return m <= middle
      ? [...(await walk(m, from, middle, whole)), await subtree(middle, to)]
      : [...(await walk(m, middle, to, false)), await subtree(from, middle)];
  };
  return old === 0 || old === size ? [] : walk(old, 0, size, true);
}

/** The largest power of two smaller than `n`. */
function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** What is stored as a hash, as one: something else may stand there after a change by hand, and is no hash of anything. */
export function asHash(stored: Uint8Array): Hash {
  return stored.length === 32 ? stored : new Uint8Array(32);
}

/** Equality of public values: nothing here is secret, so time may tell. */
export function same(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0;
}
