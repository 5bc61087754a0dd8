import type { Did } from "#schemas";
import { verifierKey } from "./note.ts";

/**
 * DID document of a controller, or of the hub: the keys that sign its audit checkpoints (W3C DID Core;
 * JsonWebKey of VC-JOSE). `lethe:verifierKey` is the same key as the offline verifier takes it.
 */
export function didDocument(did: Did, keys: readonly { version: number; publicKey: Uint8Array }[]) {
  const methods = keys.map(({ version, publicKey }) => ({
    id: `${did}#checkpoint-${version}`,
    type: "JsonWebKey",
    controller: did,
    publicKeyJwk: { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") },
    "lethe:verifierKey": verifierKey(did, publicKey),
  }));
  return {
    "@context": [
      "https://www.w3.org/ns/did/v1",
      "https://w3id.org/security/jwk/v1",
      { lethe: "urn:lethe:ns:" },
    ],
    id: did,
    verificationMethod: methods,
    assertionMethod: methods.map(({ id }) => id),
  };
}
