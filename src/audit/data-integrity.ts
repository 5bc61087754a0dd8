import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { base58 } from "@scure/base";
import canonicalize from "canonicalize";

// Cryptosuite `eddsa-jcs-2022` of the W3C Recommendation Data Integrity EdDSA Cryptosuites v1.0
// (https://www.w3.org/TR/vc-di-eddsa/#eddsa-jcs-2022), section by section.

/** A JSON object. */
export type Json = Readonly<{ [key: string]: unknown }>;

export interface ProofOptions {
  readonly type: "DataIntegrityProof";
  readonly cryptosuite: "eddsa-jcs-2022";
  /** XML Schema dateTime. */
  readonly created: string;
  /** Where the public key is: a DID URL. */
  readonly verificationMethod: string;
  readonly proofPurpose: "assertionMethod";
}

/** 3.3.1 Create Proof: the proof of a document that has none. It repeats the document's context, as the suite advises. */
export function createProof<Document extends Json>(
  document: Document,
  options: ProofOptions,
  privateKey: KeyObject,
) {
  const config = { ...options, "@context": document["@context"] as Document["@context"] };
  const signature = sign(null, hashData(document, config), privateKey);
  return { ...config, proofValue: `z${base58.encode(signature)}` };
}

/** 3.3.2 Verify Proof: whether the key signed the document that a proof is in. False for whatever is malformed. */
export function verifyProof(secured: Json, publicKey: KeyObject): boolean {
  const { proof, ...rest } = secured;
  if (!isObject(proof)) return false;
  const { proofValue, ...config } = proof;
  if (config["type"] !== "DataIntegrityProof" || config["cryptosuite"] !== "eddsa-jcs-2022") return false;
  const signature = signatureOf(proofValue);
  if (signature === undefined) return false;
  try {
    const context = config["@context"];
    if (context !== undefined && !beginsWith(rest["@context"], context)) return false;
    const document = context === undefined ? rest : { ...rest, "@context": context };
    return verify(null, hashData(document, config), publicKey, signature);
  } catch {
    return false; // no JSON, or too deep
  }
}

/** 3.3.4 Hashing: of the proof without its value, then of the document; 64 bytes. */
function hashData(document: Json, config: Json): Buffer {
  return Buffer.concat([config, document].map((json) => createHash("sha256").update(jcs(json)).digest()));
}

function jcs(json: Json): string {
  const text = canonicalize(json);
  if (text === undefined) throw new TypeError("not JSON");
  return text;
}

/** Multibase base58btc, of about as many characters as 64 bytes have. */
function signatureOf(value: unknown): Uint8Array | undefined {
  return typeof value === "string" && /^z[1-9A-HJ-NP-Za-km-z]{60,90}$/.test(value)
    ? base58.decode(value.slice(1))
    : undefined;
}

/** Step 4: a document's context begins with all that its proof has, in the same order. */
function beginsWith(whole: unknown, start: unknown): boolean {
  const [all, first] = [whole, start].map((context) => (Array.isArray(context) ? context : [context]));
  return canonicalize(all?.slice(0, first?.length)) === canonicalize(first);
}

/** What it is as JSON and nothing beside, so that what is read and what is checked are the same (`toJSON` could tell them apart). */
export function asJson(value: unknown): Json | undefined {
  try {
    const json: unknown = JSON.parse(JSON.stringify(value));
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
