import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Hash, inclusionProof, leafHash, rootFromInclusion, rootOfLeaves } from "./merkle.ts";
import { type Range, subtreeRoots, type TileSource, tilesFor } from "./tiles.ts";

const hex = (hash: Hash | undefined) => Buffer.from(hash ?? []).toString("hex");

// 66,000 leaves: a full tile of level 1, the next begun, and leaves that fill no tile.
const SIZE = 66_000;
const leaves = Array.from({ length: SIZE }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
const level1 = Array.from({ length: Math.floor(SIZE / 256) }, (_, i) =>
  rootOfLeaves(leaves.slice(i * 256, (i + 1) * 256)),
);
const read: string[] = [];
const stored: TileSource = {
  tile: (level, index) => {
    read.push(`${level} ${index}`);
    return (level === 0 ? leaves : level === 1 ? level1 : []).slice(index * 256, (index + 1) * 256);
  },
  leaf: (index) => leaves[index] ?? new Uint8Array(),
};

const size = fc.oneof(
  fc.integer({ min: 1, max: SIZE }),
  fc.constantFrom(1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792),
);

describe("tiles", () => {
  test("give the same proofs as all the leaves, in a log of any size", async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (size, n) => {
        const index = n % size;
        const ranges: Range[] = [];
        const root = subtreeRoots(size, stored);
        const proof = await inclusionProof(index, size, (from, to) => {
          ranges.push([from, to]);
          return root(from, to);
        });
        for (const [i, [from, to]] of ranges.entries())
          expect(hex(proof[i])).toBe(hex(rootOfLeaves(leaves.slice(from, to))));
        expect(hex(rootFromInclusion(leaves[index] ?? new Uint8Array(), index, size, proof))).toBe(
          hex(rootOfLeaves(leaves.slice(0, size))),
        );
      }),
      { seed: 5, numRuns: 15 },
    );
  });

  test("are read where they were said to be needed, and are full ones", async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (size, n) => {
        const ranges: Range[] = [];
        await inclusionProof(n % size, size, (from, to) => {
          ranges.push([from, to]);
          return new Uint8Array(32);
        });
        const needed = tilesFor(size, ranges);
        for (const { level, index } of needed)
          expect((index + 1) * 256 ** (level + 1)).toBeLessThanOrEqual(size);
        read.length = 0;
        for (const [from, to] of ranges) await subtreeRoots(size, stored)(from, to);
        expect([...new Set(read)].toSorted()).toEqual(
          needed.map(({ level, index }) => `${level} ${index}`).toSorted(),
        );
      }),
      { seed: 5, numRuns: 40 },
    );
  });

  test("are few: of a log of a million, for any event", async () => {
    const million = 1_000_000;
    for (const index of [0, 123_456, 499_999, 524_288, 999_999]) {
      const ranges: Range[] = [];
      await inclusionProof(index, million, (from, to) => {
        ranges.push([from, to]);
        return new Uint8Array(32);
      });
      expect(tilesFor(million, ranges).length).toBeLessThan(100);
    }
  });
});
