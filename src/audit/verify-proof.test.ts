import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { describe, expect, test } from "vitest";
import { type AuditEntry, ControllerId, Did } from "#schemas";
import { CONTROLLER, DOCUMENT, keyPair } from "../../test/support/receipts.ts";
import { didDocument } from "./did-document.ts";
import { logKeys, readDidDocument } from "./did-keys.ts";
import { inclusionProof, leafHash, rootOfLeaves } from "./merkle.ts";
import { readVerifierKey, signCheckpoint, verifierKey } from "./note.ts";
import { verifyEventProof, verifyWorkflowProof } from "./verify-proof.ts";

const keysOf = (document: unknown) =>
  logKeys(readDidDocument(document) ?? { id: "", verificationMethod: [], assertionMethod: [] });
const KEYS = keysOf(DOCUMENT);
const OTHER = Did.parse(`did:lethe:${"0e".repeat(32)}`);
const [WORKFLOW, ANOTHER] = ["01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002"];

/** Events of a workflow, chained, with one of another between them. */
const ENTRIES = chain(WORKFLOW, 3).toSpliced(1, 0, ...chain(ANOTHER, 1));

function chain(workflow: string, count: number): string[] {
  const entries: string[] = [];
  for (let position = 0; position < count; position++) {
    const entry: AuditEntry = {
      v: 1,
      controller: ControllerId.parse("01900000-0000-7000-8000-0000000000aa"),
      event: `01900000-0000-4000-8000-00000000000${position}`,
      type: "rights.moved",
      entity: "request:1",
      time: `2026-03-03T12:00:0${position}.000000Z`,
      actor: "hub",
      ...{ workflow, position },
      previous: position === 0 ? null : hash("sha256", entries[position - 1] ?? "", "hex"),
      ...{ subject: null, body: null, facts: { from: "é" } },
    };
    entries.push(canonicalize(entry) ?? "");
  }
  return entries;
}

/** A log of entries and the proof of each, as the hub gives it. */
async function proofs(entries: readonly string[], signer: { did?: Did; key?: number } = {}) {
  const leaves = entries.map((entry) => leafHash(Buffer.from(entry)));
  const subtree = (from: number, to: number) => rootOfLeaves(leaves.slice(from, to));
  const note = signCheckpoint(
    {
      origin: signer.did ?? CONTROLLER,
      size: entries.length,
      root: rootOfLeaves(leaves),
      time: "2026-03-03T13:00:00.000Z",
    },
    keyPair(signer.key ?? 2),
  );
  return Promise.all(
    entries.map(async (entry, index) => {
      const path = await inclusionProof(index, entries.length, subtree);
      const lines = path.map((one) => `${Buffer.from(one).toString("base64")}\n`).join("");
      return { entry, proof: `c2sp.org/tlog-proof@v1\nindex ${index}\n${lines}\n${note}` };
    }),
  );
}

const log = await proofs(ENTRIES);
const at = (index: number, from = log) => from[index] ?? { entry: "", proof: "" };
const fault = (entry: string, proof: string, keys = KEYS) => {
  const result = verifyEventProof(entry, proof, keys);
  return result.ok ? "none" : result.fault;
};

describe("an event's proof", () => {
  test("holds with nothing but itself and the keys of the controller's DID document", () => {
    for (const [seq, { entry, proof }] of log.entries())
      expect(verifyEventProof(entry, proof, KEYS)).toEqual({
        ok: true,
        event: JSON.parse(entry),
        origin: CONTROLLER,
        ...{ seq, size: 4, time: "2026-03-03T13:00:00.000Z" },
        root: Buffer.from(rootOfLeaves(ENTRIES.map((one) => leafHash(Buffer.from(one))))).toString("hex"),
      });
  });

  test("holds in a log of one, and with a key of before, as long as the document has it", async () => {
    const [alone] = await proofs(ENTRIES.slice(0, 1), { key: 1 });
    expect(fault(alone?.entry ?? "", alone?.proof ?? "")).toBe("none");
    const renewed = didDocument(CONTROLLER, [{ version: 2, publicKey: keyPair(2).publicKey }]);
    expect(fault(alone?.entry ?? "", alone?.proof ?? "", keysOf(renewed))).toBe("proof/checkpoint-forged");
  });

  test("does not hold with any byte of it, or of its entry, changed, doubled or taken out", () => {
    const { entry, proof } = at(2);
    for (const [text, check] of [
      [proof, (changed: string) => fault(entry, changed)],
      [entry, (changed: string) => fault(changed, proof)],
    ] as const)
      for (let i = 0; i < text.length; i++)
        for (const put of ["A", "B", "1", "=", "\n", " ", "\ud800", "", `${text[i]}${text[i]}`])
          if (put !== text[i])
            expect(check(text.slice(0, i) + put + text.slice(i + 1)), `${i} ${JSON.stringify(put)}`).not.toBe(
              "none",
            );
  });

  test("does not hold with another text of the same hash: base64 has bits to spare", () => {
    const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const { entry, proof } = at(2);
    const spare = (text: string) =>
      text.replace(/.(?==$)/m, (last) => ALPHABET[ALPHABET.indexOf(last) + 1] ?? "");
    const [first = "", second = ""] = proof.split("\n").slice(2, 4);
    expect(Buffer.from(spare(first), "base64")).toEqual(Buffer.from(first, "base64"));
    for (const one of [first, second])
      expect(fault(entry, proof.replace(one, spare(one)))).toBe("proof/malformed");
  });

  test("does not hold with anything before or after it", () => {
    const { entry, proof } = at(2);
    for (const more of ["\n", " ", "A", "\ufeff", "— x y\n"]) {
      expect(fault(entry, proof + more)).not.toBe("none");
      expect(fault(entry, more + proof)).not.toBe("none");
      expect(fault(entry + more, proof)).toBe("proof/not-included");
      expect(fault(more + entry, proof)).toBe("proof/not-included");
    }
  });

  test("holds at its own index only, with its own hashes in their order, none more and none less", () => {
    const { entry, proof } = at(2);
    for (const index of ["0", "1", "3", "4", "6", "999999999999999"])
      expect(fault(entry, proof.replace("index 2", `index ${index}`))).toBe("proof/not-included");
    for (const index of ["02", "-2", "2.0", "0x2", "1e15", ""])
      expect(fault(entry, proof.replace("index 2", `index ${index}`))).toBe("proof/malformed");
    const [first = "", second = ""] = proof.split("\n").slice(2, 4);
    const hashes = `${first}\n${second}\n`;
    for (const others of [
      `${second}\n${first}\n`,
      `${first}\n`,
      "",
      `${hashes}${first}\n`,
      `${first}\n${first}\n`,
    ])
      expect(fault(entry, proof.replace(hashes, others))).toBe("proof/not-included");
  });

  test("is one entry's: with another's, or with its node for an entry, it does not hold", () => {
    for (const [i, { entry }] of log.entries())
      for (const [j, { proof }] of log.entries())
        expect(fault(entry, proof)).toBe(i === j ? "none" : "proof/not-included");
    // An inner node is hashed with another prefix, so that it is no leaf.
    const [left, right] = ENTRIES.map((one) => leafHash(Buffer.from(one)));
    const node = Buffer.concat([left ?? [], right ?? []].map((one) => Uint8Array.from(one))).toString(
      "latin1",
    );
    const [, , , sibling = ""] = at(0).proof.split("\n");
    const short = at(0).proof.replace(/(index 0\n)(?:\S+\n){2}/, `$1${sibling}\n`);
    expect(fault(node, short)).toBe("proof/not-included");
  });

  test("under another log's checkpoint does not hold, whoever signed it", async () => {
    const { entry } = at(2);
    const theirs = at(2, await proofs(ENTRIES, { did: OTHER, key: 9 })).proof;
    expect(fault(entry, theirs)).toBe("proof/other-log");
    expect(
      fault(entry, theirs, keysOf(didDocument(OTHER, [{ version: 1, publicKey: keyPair(9).publicKey }]))),
    ).toBe("none");
    expect(fault(entry, at(2, await proofs(ENTRIES, { did: OTHER })).proof)).toBe("proof/other-log");
    expect(fault(entry, at(2, await proofs(ENTRIES, { key: 9 })).proof)).toBe("proof/checkpoint-forged");
    const ofOtherName = [verifierKey(OTHER, keyPair(2).publicKey)];
    expect(fault(entry, at(2).proof, ofOtherName)).toBe("proof/other-log");
  });

  test("under another checkpoint of the same log does not hold", async () => {
    const { entry, proof } = at(2);
    const [head] = proof.split("\n\n");
    const note = (of: string) => of.slice(of.indexOf("\n\n") + 2);
    const rewritten = await proofs(ENTRIES.toReversed());
    const shorter = await proofs(ENTRIES.slice(0, 2));
    for (const other of [rewritten, shorter])
      expect(fault(entry, `${head}\n\n${note(at(0, other).proof)}`)).toBe("proof/not-included");
  });

  test("of entries in another order does not hold", async () => {
    const reordered = await proofs(ENTRIES.toReversed());
    for (const [i, { proof }] of reordered.entries())
      expect(fault(at(i).entry, proof)).toBe("proof/not-included");
  });

  test("of what is in the log and is no event is said to be none", async () => {
    for (const entry of ["", "{}", "null", `${at(0).entry} `.replace('"v":1', '"v":2')])
      expect(fault(entry, at(0, await proofs([entry])).proof)).toBe("proof/entry-malformed");
  });

  test("of a text that is no Unicode does not hold, although its bytes would", async () => {
    const half = at(0).entry.replace("é", "\ud800");
    expect(fault(half, at(0, await proofs([half])).proof)).toBe("proof/not-included");
  });

  test("that is none is malformed", () => {
    for (const none of [
      "",
      "\n\n",
      "c2sp.org/tlog-proof@v1",
      at(0).proof.split("\n\n")[0] ?? "",
      at(0).proof.replace("@v1", "@v2"),
    ])
      expect(fault(at(0).entry, none)).toBe("proof/malformed");
    expect(fault(at(0).entry, at(0).proof, [])).toBe("proof/other-log");
  });
});

describe("a workflow's proof", () => {
  const own = [at(0), at(2), at(3)];
  const faultOf = (proven = own, workflow = WORKFLOW) => {
    const result = verifyWorkflowProof(workflow, proven, KEYS);
    return result.ok ? "none" : `${result.fault} ${result.at}`;
  };

  test("holds for its events, from the first, one after the other", () => {
    const result = verifyWorkflowProof(WORKFLOW, own, KEYS);
    expect(result.ok && result.events.map(({ seq, event }) => `${seq} ${event.position}`)).toEqual([
      "0 0",
      "2 1",
      "3 2",
    ]);
  });

  test("does not hold with one left out, doubled, in another order, or of another workflow", () => {
    expect(faultOf([at(0), at(3)])).toBe("proof/chain-broken 1");
    expect(faultOf([at(2), at(3)])).toBe("proof/chain-broken 0");
    expect(faultOf([at(0), at(0), at(2), at(3)])).toBe("proof/chain-broken 1");
    expect(faultOf([at(0), at(3), at(2)])).toBe("proof/chain-broken 1");
    expect(faultOf([at(1), at(2), at(3)])).toBe("proof/chain-broken 0");
    expect(faultOf(own, ANOTHER)).toBe("proof/chain-broken 0");
    expect(faultOf([])).toBe("proof/chain-broken 0");
  });

  test("does not hold where an event names another before it, or another place, though each is in the log", async () => {
    const [first = "", second = ""] = chain(WORKFLOW, 2);
    for (const forged of [
      second.replace(/"previous":"\w{64}/, `"previous":"${"0".repeat(64)}`),
      second.replace('"position":1', '"position":2'),
    ])
      expect(faultOf(await proofs([first, forged]))).toBe("proof/chain-broken 1");
  });

  test("says which one of them is not proven", () => {
    expect(faultOf([at(0), { ...at(2), proof: at(3).proof }, at(3)])).toBe("proof/not-included 1");
  });
});

describe("a log's keys", () => {
  test("are those of its controller's DID document, as the offline verifier takes them", () => {
    const named = DOCUMENT.verificationMethod.flatMap((one) =>
      "lethe:verifierKey" in one ? [one["lethe:verifierKey"]] : [],
    );
    expect(KEYS).toEqual(named);
    expect(readVerifierKey(KEYS[0] ?? "")).toEqual({
      name: CONTROLLER,
      publicKey: Uint8Array.from(keyPair(2).publicKey),
    });
  });

  test("are not those of another, nor those that may not assert", () => {
    const [stranger] = didDocument(OTHER, [
      { version: 9, publicKey: keyPair(9).publicKey },
    ]).verificationMethod;
    const mixed = {
      ...DOCUMENT,
      verificationMethod: [...DOCUMENT.verificationMethod, stranger],
      assertionMethod: [`${CONTROLLER}#checkpoint-1`, stranger?.id],
    };
    expect(keysOf(mixed)).toEqual([KEYS[1]]);
    expect(readDidDocument({ id: CONTROLLER })).toBeUndefined();
  });

  test("that are malformed are none", () => {
    const [key = ""] = KEYS;
    for (let i = 0; i < key.length; i++)
      expect(
        readVerifierKey(`${key.slice(0, i)}${key[i] === "0" ? "1" : "0"}${key.slice(i + 1)}`),
        `${i}`,
      ).toBeUndefined();
    for (const none of ["", "+", key.slice(0, -1), `${key} `, `${key}\n`])
      expect(readVerifierKey(none)).toBeUndefined();
  });
});
