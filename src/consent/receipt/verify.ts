import { asJson, assertionKey, readDidDocument, verifyProof } from "#audit";
import { ConsentReceipt } from "#schemas";

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

/**
 * Whether a receipt is as its controller signed it. Takes no more than the controller's DID document, which has to be had from
 * where it can be trusted, because a `did:lethe` does not tell which keys are its own.
 */
export function verifyReceipt(receipt: unknown, didDocument: unknown): ReceiptVerification {
  const no = (fault: ReceiptFault) => ({ ok: false, fault }) as const;
  const json = asJson(receipt);
  const { data: parsed } = ConsentReceipt.safeParse(json);
  const document = readDidDocument(didDocument);
  if (json === undefined || parsed === undefined) return no("receipt/malformed");
  if (document === undefined) return no("receipt/did-document-malformed");
  const { proof, "dpv:hasRecordOfActivity": record } = parsed;
  const named = [
    parsed["dct:publisher"],
    record["dpv:hasDataController"],
    ...record["dpv:hasEntity"].map((entity) => entity["@id"]),
  ];
  if (named.some((did) => did !== document.id)) return no("receipt/wrong-controller");
  const key = assertionKey(document, proof.verificationMethod);
  if (key === undefined) return no("receipt/unknown-key");
  // The receipt as it came, not as it was parsed: a later version may have more in it, which is signed too.
  if (!verifyProof(json, key)) return no("receipt/altered");
  return { ok: true, receipt: parsed, signedAt: proof.created, key: proof.verificationMethod };
}
