import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { base58 } from "@scure/base";
import { describe, expect, test } from "vitest";
import { createProof, type Json, type ProofOptions, verifyProof } from "./data-integrity.ts";
import { fromMultikey, multikey } from "./multikey.ts";
import { publicKeyObject } from "./note.ts";

// W3C Recommendation Data Integrity EdDSA Cryptosuites v1.0, B.2 "Representation: eddsa-jcs-2022"
// (https://www.w3.org/TR/vc-di-eddsa/#representation-eddsa-jcs-2022), as it is published.
const KEY_PAIR = {
  publicKeyMultibase: "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
  secretKeyMultibase: "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq",
};
const CREDENTIAL = {
  "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
  id: "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
  type: ["VerifiableCredential", "AlumniCredential"],
  name: "Alumni Credential",
  description: "A minimum viable example of an Alumni Credential.",
  issuer: "https://vc.example/issuers/5678",
  validFrom: "2023-01-01T00:00:00Z",
  credentialSubject: { id: "did:example:abcdefgh", alumniOf: "The School of Examples" },
};
const OPTIONS: ProofOptions = {
  type: "DataIntegrityProof",
  cryptosuite: "eddsa-jcs-2022",
  created: "2023-02-24T23:36:38Z",
  verificationMethod:
    "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
  proofPurpose: "assertionMethod",
};
const SIGNATURE =
  "407cd12654b33d718ecbb99179a1506daaa849450bf3fc523cce3e1c96f8b80351da3f253d725c6f00b07c9e5448d50b3ef78012b9ab54255116d069c6dd2808";
const PROOF = {
  ...OPTIONS,
  "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
  proofValue: "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX",
};

/** Multicodec ed25519-priv (0x8026) and the 32 bytes, as RFC 8410's PKCS #8. */
function secretKey(multibase: string): KeyObject {
  const bytes = base58.decode(multibase.slice(1));
  expect([...bytes.subarray(0, 2)]).toEqual([0x80, 0x26]);
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  return createPrivateKey({
    key: Buffer.concat([prefix, bytes.subarray(2)]),
    format: "der",
    type: "pkcs8",
  });
}
const privateKey = secretKey(KEY_PAIR.secretKeyMultibase);
const publicKey = publicKeyObject(fromMultikey(KEY_PAIR.publicKeyMultibase) ?? new Uint8Array());

describe("eddsa-jcs-2022, with the Recommendation's own vectors,", () => {
  test("reads and writes the public key", () => {
    const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
    expect(multikey(raw)).toBe(KEY_PAIR.publicKeyMultibase);
    expect(publicKey.equals(createPublicKey(privateKey))).toBe(true);
  });

  test("makes the published proof, to the byte", () => {
    const proof = createProof(CREDENTIAL, OPTIONS, privateKey);
    expect(proof).toEqual(PROOF);
    expect(Buffer.from(base58.decode(proof.proofValue.slice(1))).toString("hex")).toBe(SIGNATURE);
  });

  test("verifies the published credential", () => {
    expect(verifyProof({ ...CREDENTIAL, proof: PROOF }, publicKey)).toBe(true);
  });
});

describe("a proof", () => {
  const secured = (proof: unknown, document: Json = CREDENTIAL) =>
    verifyProof({ ...document, proof }, publicKey);

  test("of another suite, of another type, or without a value does not verify", () => {
    for (const change of [
      { cryptosuite: "eddsa-rdfc-2022" },
      { type: "Ed25519Signature2020" },
      { proofValue: undefined },
      { proofValue: PROOF.proofValue.slice(1) },
      { proofValue: `z${PROOF.proofValue}` },
      { proofValue: `z1${PROOF.proofValue.slice(1)}` },
      { proofValue: `u${Buffer.from(SIGNATURE, "hex").toString("base64url")}` },
      { proofValue: "z" },
    ])
      expect(secured({ ...PROOF, ...change }), JSON.stringify(change)).toBe(false);
    for (const none of [undefined, null, "proof", [], [PROOF]]) expect(secured(none)).toBe(false);
  });

  test("that its key made for another suite does not verify", () => {
    for (const change of [{ cryptosuite: "eddsa-rdfc-2022" }, { type: "Ed25519Signature2020" }])
      expect(secured(createProof(CREDENTIAL, { ...OPTIONS, ...change } as ProofOptions, privateKey))).toBe(
        false,
      );
  });

  test("holds for a document whose context goes on after the proof's, as the suite has it, and for no other", () => {
    const context = CREDENTIAL["@context"];
    expect(secured(PROOF, { ...CREDENTIAL, "@context": [...context, "https://example.com"] })).toBe(true);
    expect(secured(PROOF, { ...CREDENTIAL, "@context": [...context].reverse() })).toBe(false);
    expect(secured(PROOF, { ...CREDENTIAL, "@context": context.slice(0, 1) })).toBe(false);
    expect(secured(PROOF, { ...CREDENTIAL, "@context": undefined })).toBe(false);
  });

  test("of what is no JSON does not verify, and does not throw", () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`) as unknown;
    for (const more of [Number.NaN, "\ud800", 1n, deep])
      expect(secured(PROOF, { ...CREDENTIAL, more })).toBe(false);
  });
});

test("a Multikey is an Ed25519 public key, or none", () => {
  const { publicKeyMultibase, secretKeyMultibase } = KEY_PAIR;
  for (const text of [
    "",
    "z",
    publicKeyMultibase.slice(1),
    publicKeyMultibase.slice(0, -1),
    `${publicKeyMultibase}1`,
    publicKeyMultibase.replace("z6Mk", "z6Ll"),
    secretKeyMultibase,
    // secp256k1 and P-256, of the Controlled Identifiers recommendation and of ECDSA Cryptosuites.
    "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
    "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP",
  ])
    expect(fromMultikey(text), text).toBeUndefined();
});
