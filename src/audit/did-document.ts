import type { Did } from "#schemas";
import { multikey } from "./multikey.ts";
import { verifierKey } from "./note.ts";

/**
 * DID document of a controller, or of the hub (W3C DID Core): the keys that sign its audit checkpoints, as JsonWebKey of
 * VC-JOSE-COSE, and the same ones as Multikey, which is how proofs of consent receipts name them (`receiptKeyId`).
 * `lethe:verifierKey` is the key as the offline verifier takes it.
 */
export function didDocument(did: Did, keys: readonly { version: number; publicKey: Uint8Array }[]) {
  const checkpoints = keys.map(({ version, publicKey }) => ({
    id: `${did}#checkpoint-${version}`,
    type: "JsonWebKey",
    controller: did,
    publicKeyJwk: { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") },
    "lethe:verifierKey": verifierKey(did, publicKey),
  }));
  const receipts = keys.map(({ version, publicKey }) => ({
    id: receiptKeyId(did, version),
    type: "Multikey",
    controller: did,
    publicKeyMultibase: multikey(publicKey),
  }));
  const methods = [...checkpoints, ...receipts];
  return {
    "@context": [
      "https://www.w3.org/ns/did/v1",
      "https://w3id.org/security/jwk/v1",
      "https://w3id.org/security/multikey/v1",
      { lethe: "urn:lethe:ns:" },
    ],
    id: did,
    verificationMethod: methods,
    assertionMethod: methods.map(({ id }) => id),
  };
}

/**
 * Name of a checkpoint key as the key of consent receipts. One key for both is safe, because nothing that is signed for the
 * one can pass for the other: a checkpoint's bytes are text that begins with the DID, which alone is longer than the 64 bytes,
 * two hashes, that are signed of a receipt; and Ed25519 signs the bytes themselves.
 */
export function receiptKeyId(did: Did, version: number): string {
  return `${did}#receipt-${version}`;
}
