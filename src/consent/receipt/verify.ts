import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { fromMultikey, publicKeyObject } from "#audit";
import { ConsentReceipt } from "#schemas";
import { isObject, type Json, verifyProof } from "./data-integrity.ts";

/** Why a receipt does not verify. Stable codes: scripts and reports rely on them. */
export const RECEIPT_FAULTS = {
  "receipt/malformed": "it is not a consent receipt of this form",
  "receipt/did-document-malformed": "it cannot be checked with what is not a DID document",
  "receipt/wrong-controller": "it does not name the controller whose DID document this is, or not everywhere",
  "receipt/unknown-key":
    "the DID document does not have the key that is said to have signed it, for this use",
  "receipt/altered": "it is not as it was signed, or that key did not sign it",
} as const;
export type ReceiptFault = keyof typeof RECEIPT_FAULTS;

export type ReceiptVerification =
  | {
      readonly ok: true;
      readonly receipt: ConsentReceipt;
      /** When it was signed, ISO 8601 in UTC, as the controller says. */
      readonly signedAt: string;
      /** DID URL of the key. */
      readonly key: string;
    }
  | { readonly ok: false; readonly fault: ReceiptFault };

const DidDocument = z.object({
  id: z.string(),
  verificationMethod: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      controller: z.string(),
      publicKeyMultibase: z.string().optional(),
      publicKeyJwk: z.object({ kty: z.string(), crv: z.string(), x: z.string() }).optional(),
    }),
  ),
  assertionMethod: z.array(z.string()),
});

/**
 * Whether a receipt is as its controller signed it. Takes no more than the controller's DID document, which has to be had from
 * where it can be trusted, because a `did:lethe` does not tell which keys are its own.
 */
export function verifyReceipt(receipt: unknown, didDocument: unknown): ReceiptVerification {
  const no = (fault: ReceiptFault) => ({ ok: false, fault }) as const;
  const json = asJson(receipt);
  const { data: parsed } = ConsentReceipt.safeParse(json);
  const { data: document } = DidDocument.safeParse(didDocument);
  if (json === undefined || parsed === undefined) return no("receipt/malformed");
  if (document === undefined) return no("receipt/did-document-malformed");
  const { proof, "dpv:hasRecordOfActivity": record } = parsed;
  const named = [
    parsed["dct:publisher"],
    record["dpv:hasDataController"],
    ...record["dpv:hasEntity"].map((entity) => entity["@id"]),
  ];
  if (named.some((did) => did !== document.id)) return no("receipt/wrong-controller");
  const method = document.verificationMethod.find(({ id }) => id === proof.verificationMethod);
  const forThis = method?.controller === document.id && document.assertionMethod.includes(method.id);
  const key = method === undefined || !forThis ? undefined : keyOf(method);
  if (key === undefined) return no("receipt/unknown-key");
  // The receipt as it came, not as it was parsed: a later version may have more in it, which is signed too.
  if (!verifyProof(json, key)) return no("receipt/altered");
  return { ok: true, receipt: parsed, signedAt: proof.created, key: proof.verificationMethod };
}

/** What it is as JSON and nothing beside, so that what is read and what is checked are the same (`toJSON` could tell them apart). */
function asJson(value: unknown): Json | undefined {
  try {
    const json: unknown = JSON.parse(JSON.stringify(value));
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** The suite's own Multikey, or the same key as JsonWebKey: "lossless cryptographic key transformation" is allowed. */
function keyOf(method: z.infer<typeof DidDocument>["verificationMethod"][number]): KeyObject | undefined {
  if (method.type === "Multikey") {
    const raw = fromMultikey(method.publicKeyMultibase ?? "");
    return raw === undefined ? undefined : publicKeyObject(raw);
  }
  const { kty, crv, x = "" } = method.publicKeyJwk ?? {};
  if (method.type !== "JsonWebKey" || kty !== "OKP" || crv !== "Ed25519") return undefined;
  const raw = Buffer.from(x, "base64url");
  return raw.length === 32 ? createPublicKey({ key: { kty, crv, x }, format: "jwk" }) : undefined;
}
