import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { refused, type Verdict } from "./scheme.ts";

export type HashAlgorithm = "sha256" | "sha1";

/**
 * Whether any of the candidate signatures is the HMAC of the parts under any of the secrets. Every pair is
 * compared, in constant time, so that the time tells nothing about which came close.
 */
export function matchHmac(options: {
  algorithm: HashAlgorithm;
  secrets: readonly string[];
  signed: readonly (string | Uint8Array)[];
  candidates: readonly Uint8Array[];
}): Verdict {
  const usable = options.secrets
    .map((value, index) => ({ value, index }))
    .filter(({ value }) => value !== "");
  if (usable.length === 0) return refused("no_secret");
  let fitting = -1;
  for (const { value, index } of usable) {
    const expected = hmac(options.algorithm, value, options.signed);
    for (const candidate of options.candidates) {
      const equal = candidate.length === expected.length && timingSafeEqual(candidate, expected);
      if (equal && fitting === -1) fitting = index;
    }
  }
  return fitting === -1 ? refused("mismatch") : { ok: true, secret: fitting };
}

export function hmac(
  algorithm: HashAlgorithm,
  secret: string,
  parts: readonly (string | Uint8Array)[],
): Uint8Array {
  const mac = createHmac(algorithm, secret);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Constant-time comparison of two texts of any length: their hashes are compared. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

const DIGEST_BYTES = { sha256: 32, sha1: 20 } as const;

/**
 * The bytes of a signature, or undefined unless it is exactly the canonical encoding of a digest: Buffer.from
 * forgives stray characters, and two texts for one signature would defeat recognising a repeat.
 */
export function decodeDigest(
  text: string,
  encoding: "hex" | "base64",
  algorithm: HashAlgorithm,
): Uint8Array | undefined {
  const bytes = Buffer.from(text, encoding);
  if (bytes.length !== DIGEST_BYTES[algorithm]) return undefined;
  const canonical = bytes.toString(encoding);
  return canonical === (encoding === "hex" ? text.toLowerCase() : text) ? bytes : undefined;
}
