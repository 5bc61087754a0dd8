import type { KeyObject } from "node:crypto";
import { createProof, receiptKeyId } from "#audit";
import { ConsentReceipt, type Did } from "#schemas";
import { receiptErrors } from "./errors.ts";
import type { UnsignedReceipt } from "./receipt.ts";

/**
 * Signs a receipt in its controller's name, with a version of its Ed25519 checkpoint key: see {@link receiptKeyId}.
 *
 * @throws receipt/wrong-controller, receipt/malformed: nothing is signed that would not verify
 */
export function signReceipt(
  receipt: UnsignedReceipt,
  { did, version, privateKey, now }: { did: Did; version: number; privateKey: KeyObject; now: Date },
): ConsentReceipt {
  if (receipt["dct:publisher"] !== did) throw receiptErrors.wrongController();
  const proof = createProof(
    receipt,
    {
      type: "DataIntegrityProof",
      cryptosuite: "eddsa-jcs-2022",
      created: now.toISOString(),
      verificationMethod: receiptKeyId(did, version),
      proofPurpose: "assertionMethod",
    },
    privateKey,
  );
  const signed = { ...receipt, proof };
  const { error } = ConsentReceipt.safeParse(signed);
  if (error !== undefined) throw receiptErrors.malformed(error.issues.map(({ path }) => path.join("/")));
  return signed;
}
