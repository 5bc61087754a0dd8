import { generateKeyPairSync, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  consistencyProof,
  frontierBytes,
  frontierFrom,
  type Hash,
  inclusionProof,
  leafHash,
  nodeHash,
  rootFromInclusion,
  rootOf,
  rootOfLeaves,
  same,
  TreeBuilder,
} from "./merkle.ts";
import { publicKeyObject, readCheckpoint, signCheckpoint, verifierKey } from "./note.ts";

const hex = (bytes: Hash | undefined) => Buffer.from(bytes ?? []).toString("hex");

// The reference leaves and roots of Certificate Transparency (google/certificate-transparency, merkle_tree_test.cc).
const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((text) => leafHash(Buffer.from(text, "hex")));
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

describe("the tree of RFC 6962", () => {
  test.each(ROOTS.map((root, size) => ({ root, size })))(
    "of $size leaves has the root that others compute",
    ({ root, size }) => {
      expect(hex(rootOfLeaves(LEAVES.slice(0, size)))).toBe(root);
    },
  );

  test("grows from a stored frontier as if it had never stopped", () => {
    for (let size = 0; size <= 8; size++) {
      const before = new TreeBuilder();
      for (const leaf of LEAVES.slice(0, size)) before.append(leaf);
      const after = new TreeBuilder(frontierFrom(size, frontierBytes(before.frontier())));
      for (const leaf of LEAVES.slice(size)) after.append(leaf);
      expect(hex(after.root())).toBe(ROOTS[8]);
    }
    expect(() => frontierFrom(3, Buffer.alloc(32))).toThrow("2 full subtrees");
  });
});

const many = Array.from({ length: 70 }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
const subtree = (from: number, to: number) => rootOfLeaves(many.slice(from, to));

describe("proofs", () => {
  test("lead from any leaf to the root of any size, and from no other leaf", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.nat(), async (size, n) => {
        const index = n % size;
        const proof = await inclusionProof(index, size, subtree);
        const root = hex(subtree(0, size));
        expect(hex(rootFromInclusion(many[index] as Hash, index, size, proof))).toBe(root);
        expect(hex(rootFromInclusion(leafHash(Buffer.from("other")), index, size, proof))).not.toBe(root);
        if (size > 1)
          expect(hex(rootFromInclusion(many[index] as Hash, (index + 1) % size, size, proof))).not.toBe(root);
        expect(
          hex(rootFromInclusion(many[index] as Hash, index, size, [...proof, many[0] as Hash])),
        ).not.toBe(root);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test("show any smaller tree to be a prefix, and no other", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.nat(), async (size, n) => {
        const old = 1 + (n % size);
        const proof = await consistencyProof(old, size, subtree);
        const newer = { size, root: subtree(0, size) };
        expect(isConsistent({ size: old, root: subtree(0, old) }, newer, proof)).toBe(true);
        expect(isConsistent({ size: old, root: leafHash(Buffer.from("forged")) }, newer, proof)).toBe(false);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe("a checkpoint", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const checkpoint = {
    origin: "did:lethe:test",
    size: 8,
    root: Buffer.from(ROOTS[8] ?? "", "hex"),
    time: "2026-11-20T09:15:00.000Z",
  };
  const note = signCheckpoint(checkpoint, { privateKey, publicKey: raw });

  test("is read back by whoever has the public key", () => {
    expect(readCheckpoint(note, [raw])).toEqual(checkpoint);
    expect(readCheckpoint(note, [Buffer.alloc(32, 1), raw])).toEqual(checkpoint);
  });

  test("does not hold with any character changed", () => {
    for (let i = 0; i < note.length; i++) {
      const altered = note.slice(0, i) + (note[i] === "A" ? "B" : "A") + note.slice(i + 1);
      expect(["malformed", "unsigned"], `character ${i}`).toContain(readCheckpoint(altered, [raw]));
    }
    expect(readCheckpoint(note, [Buffer.alloc(32, 1)])).toBe("unsigned");
  });

  test("and its key have the form of C2SP signed notes, as Go's sumdb has it", () => {
    const key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const publicBytes = Buffer.from(key.split("+")[2] ?? "", "base64").subarray(1);
    expect(verifierKey("PeterNeumann", publicBytes)).toBe(key);
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const signature = Buffer.from(
      "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
      "base64",
    );
    expect(signature.subarray(0, 4).toString("hex")).toBe("c74f20a3");
    expect(verify(null, Buffer.from(text), publicKeyObject(publicBytes), signature.subarray(4))).toBe(true);
  });
});

test("an empty frontier is the empty tree", () => {
  expect(hex(rootOf({ size: 0, roots: [] }))).toBe(ROOTS[0]);
});

/** Whether a consistency proof leads from the old root to the new one (RFC 9162 §2.1.4.2). */
function isConsistent(
  older: { size: number; root: Hash },
  newer: { size: number; root: Hash },
  proof: readonly Hash[],
): boolean {
  if (older.size === newer.size) return proof.length === 0 && same(older.root, newer.root);
  if (older.size === 0) return proof.length === 0;
  const powerOfTwo = Number.isInteger(Math.log2(older.size));
  const [first, ...rest] = powerOfTwo ? [older.root, ...proof] : proof;
  if (first === undefined) return false;
  let [fn, sn] = [older.size - 1, newer.size - 1];
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  let [fr, sr] = [first, first];
  for (const hashed of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(hashed, fr);
      sr = nodeHash(hashed, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else sr = nodeHash(sr, hashed);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && same(fr, older.root) && same(sr, newer.root);
}
