import { base58 } from "@scure/base";
import { describe, expect, test } from "vitest";
import { createProof, didDocument } from "#audit";
import { type ConsentReceipt, Did } from "#schemas";
import { CONTROLLER, DOCUMENT, FACTS, keyPair, signed } from "../../../test/support/receipts.ts";
import { readCheckpoint, signCheckpoint } from "../../audit/note.ts";
import { consentReceipt } from "./receipt.ts";
import { signReceipt } from "./sign.ts";
import { verifyReceipt } from "./verify.ts";

const OTHER = Did.parse(`did:lethe:${"0e".repeat(32)}`);
const receipt = signed();
const fault = (of: unknown, document: unknown = DOCUMENT) => {
  const result = verifyReceipt(of, document);
  return result.ok ? "none" : result.fault;
};

describe("a receipt", () => {
  test("verifies with nothing but itself and its controller's DID document", () => {
    expect(verifyReceipt(receipt, DOCUMENT)).toEqual({
      ok: true,
      receipt,
      signedAt: "2026-03-03T12:00:01.000Z",
      key: `${CONTROLLER}#receipt-2`,
    });
  });

  test("verifies with a key of before, as long as the document has it", () => {
    const earlier = signed(FACTS, 1);
    expect(fault(earlier)).toBe("none");
    const renewed = didDocument(CONTROLLER, [{ version: 2, publicKey: keyPair(2).publicKey }]);
    expect(fault(earlier, renewed)).toBe("receipt/unknown-key");
  });

  test("verifies by the key's JsonWebKey too", () => {
    const { "@context": _, ...unsigned } = consentReceipt(FACTS);
    const document = { "@context": _, ...unsigned };
    const proof = createProof(
      document,
      {
        type: "DataIntegrityProof",
        cryptosuite: "eddsa-jcs-2022",
        created: "2026-03-03T12:00:01Z",
        verificationMethod: `${CONTROLLER}#checkpoint-2`,
        proofPurpose: "assertionMethod",
      },
      keyPair(2).privateKey,
    );
    expect(verifyReceipt({ ...document, proof }, DOCUMENT)).toMatchObject({
      ok: true,
      key: `${CONTROLLER}#checkpoint-2`,
    });
  });

  test("that says more than this version knows verifies, if that was signed", () => {
    const later = { ...consentReceipt(FACTS), "dct:language": "en" };
    const { privateKey } = keyPair(2);
    const more = signReceipt(later, { did: CONTROLLER, version: 2, privateKey, now: new Date() });
    expect(fault(more)).toBe("none");
    expect(fault({ ...receipt, "dct:language": "en" })).toBe("receipt/altered");
  });

  test("is not signed for another controller, nor if it would not verify", () => {
    const key = { did: CONTROLLER, version: 2, privateKey: keyPair(2).privateKey, now: new Date() };
    expect(() => signReceipt(consentReceipt(FACTS), { ...key, did: OTHER })).toThrow(
      "a receipt is signed by the controller that it names",
    );
    const record = { ...FACTS.record, recordedAt: "2026-03-02 08:00:01+00", id: "jenny@example.com" };
    expect(() => signReceipt(consentReceipt({ ...FACTS, record }), key)).toThrow(
      /^a receipt of this would not verify: see its (?!.*(jenny|2026)).*dpv:hasRecordOfActivity\/dct:created/,
    );
  });
});

describe("another controller's key", () => {
  const theirs = didDocument(OTHER, [{ version: 2, publicKey: keyPair(9).publicKey }]);
  const forged = (did: Did, named: Partial<typeof FACTS.controller> = {}): ConsentReceipt => {
    const unsigned = consentReceipt({ ...FACTS, controller: { ...FACTS.controller, ...named } });
    return {
      ...unsigned,
      proof: createProof(
        unsigned,
        {
          type: "DataIntegrityProof",
          cryptosuite: "eddsa-jcs-2022",
          created: "2026-03-03T12:00:01Z",
          verificationMethod: `${did}#receipt-2`,
          proofPurpose: "assertionMethod",
        },
        keyPair(9).privateKey,
      ),
    };
  };

  test("makes receipts that verify in its own name", () => {
    expect(fault(forged(OTHER, { did: OTHER }), theirs)).toBe("none");
  });

  test("makes none in this one's, with whichever document it is checked and whatever it calls its key", () => {
    expect(fault(forged(OTHER), theirs)).toBe("receipt/wrong-controller");
    expect(fault(forged(OTHER), DOCUMENT)).toBe("receipt/unknown-key");
    expect(fault(forged(CONTROLLER), DOCUMENT)).toBe("receipt/altered");
    expect(fault(forged(CONTROLLER), theirs)).toBe("receipt/wrong-controller");
  });

  test("does not count for this one by standing in a document under its own name", () => {
    const [stranger] = theirs.verificationMethod.filter(({ type }) => type === "Multikey");
    const mixed = {
      ...DOCUMENT,
      verificationMethod: [...DOCUMENT.verificationMethod, stranger],
      assertionMethod: [...DOCUMENT.assertionMethod, stranger?.id],
    };
    expect(fault(forged(OTHER), mixed)).toBe("receipt/unknown-key");
  });

  test("is not found where only a part of the receipt names it", () => {
    for (const change of [
      (r: ConsentReceipt) => ({ ...r, "dct:publisher": OTHER }),
      (r: ConsentReceipt) => ({
        ...r,
        "dpv:hasRecordOfActivity": { ...r["dpv:hasRecordOfActivity"], "dpv:hasDataController": OTHER },
      }),
    ])
      for (const document of [DOCUMENT, theirs])
        expect(fault(change(receipt), document)).toBe("receipt/wrong-controller");
  });
});

describe("a DID document", () => {
  const [jwk, multi] = ["JsonWebKey", "Multikey"].map((type) =>
    DOCUMENT.verificationMethod.find((method) => method.type === type && method.id.endsWith("-2")),
  );
  const having = (method: unknown) => ({ ...DOCUMENT, verificationMethod: [method] });

  test("whose key is not for assertions, is another's, or is of another kind does not verify a receipt", () => {
    expect(fault(receipt, having(multi))).toBe("none");
    for (const document of [
      { ...DOCUMENT, assertionMethod: [`${CONTROLLER}#checkpoint-2`] },
      having({ ...multi, controller: OTHER }),
      having({ ...multi, type: "Ed25519VerificationKey2020" }),
      having({ ...multi, publicKeyMultibase: undefined }),
      having({ ...multi, publicKeyMultibase: "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP" }),
      having({ ...jwk, id: multi?.id, publicKeyJwk: { kty: "EC", crv: "P-256", x: "AA" } }),
      having({ ...jwk, id: multi?.id, publicKeyJwk: { kty: "OKP", crv: "Ed25519", x: "AA" } }),
    ])
      expect(fault(receipt, document)).toBe("receipt/unknown-key");
  });

  test("that is none is said to be none", () => {
    for (const none of [null, {}, [], "did", { id: CONTROLLER }])
      expect(fault(receipt, none)).toBe("receipt/did-document-malformed");
  });
});

test("a checkpoint's signature is none of a receipt, and a receipt's none of a checkpoint, though one key makes both", () => {
  const { privateKey, publicKey } = keyPair(2);
  const log = { origin: CONTROLLER, size: 1, root: Buffer.alloc(32), time: "2026-03-03T12:00:00.000Z" };
  const note = signCheckpoint(log, { privateKey, publicKey });
  const [, base64 = ""] = /(\S+)\n$/.exec(note) ?? [];
  const [keyId, signature] = [
    Buffer.from(base64, "base64").subarray(0, 4),
    Buffer.from(base64, "base64").subarray(4),
  ];
  expect(readCheckpoint(note, [publicKey])).toMatchObject({ size: 1 });
  const proof = { ...receipt.proof, proofValue: `z${base58.encode(signature)}` };
  expect(fault({ ...receipt, proof })).toBe("receipt/altered");
  const ofReceipt = Buffer.concat([keyId, base58.decode(receipt.proof.proofValue.slice(1))]).toString(
    "base64",
  );
  expect(readCheckpoint(note.replace(base64, ofReceipt), [publicKey])).toBe("unsigned");
  // Because what is signed is never as long: of a receipt 64 bytes, of a checkpoint its text, which begins with the DID.
  expect(CONTROLLER.length).toBeGreaterThan(64);
});
