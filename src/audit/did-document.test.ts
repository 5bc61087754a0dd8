import { describe, expect, test } from "vitest";
import { CONTROLLER, DOCUMENT, keyPair } from "../../test/support/receipts.ts";
import { fromMultikey } from "./multikey.ts";

describe("a DID document", () => {
  const named = (name: string) =>
    DOCUMENT.verificationMethod.find(({ id }) => id === `${CONTROLLER}#${name}`);
  const { publicKey } = keyPair(2);

  test("has each key for checkpoints, and the same for receipts, and each may assert", () => {
    expect(DOCUMENT.verificationMethod.map(({ id, type }) => `${id.split("#")[1]} ${type}`)).toEqual([
      "checkpoint-2 JsonWebKey",
      "checkpoint-1 JsonWebKey",
      "receipt-2 Multikey",
      "receipt-1 Multikey",
    ]);
    expect(DOCUMENT.assertionMethod).toEqual(DOCUMENT.verificationMethod.map(({ id }) => id));
    expect(DOCUMENT.verificationMethod.every(({ controller }) => controller === CONTROLLER)).toBe(true);
  });

  test("has a key as JsonWebKey and for the offline verifier, and as Multikey, and it is the same", () => {
    expect(named("checkpoint-2")).toMatchObject({
      publicKeyJwk: { kty: "OKP", crv: "Ed25519", x: publicKey.toString("base64url") },
      "lethe:verifierKey": expect.stringMatching(/^did:lethe:[0-9a-f]{64}\+[0-9a-f]{8}\+/),
    });
    const receipts = named("receipt-2");
    expect(receipts).toMatchObject({ publicKeyMultibase: expect.stringMatching(/^z6Mk/) });
    const text =
      receipts !== undefined && "publicKeyMultibase" in receipts ? receipts.publicKeyMultibase : "";
    expect(Buffer.from(fromMultikey(text) ?? [])).toEqual(publicKey);
  });

  test("names the contexts of all that it says", () => {
    expect(DOCUMENT["@context"]).toEqual([
      "https://www.w3.org/ns/did/v1",
      "https://w3id.org/security/jwk/v1",
      "https://w3id.org/security/multikey/v1",
      { lethe: "urn:lethe:ns:" },
    ]);
  });
});
