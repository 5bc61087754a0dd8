import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { refused, type Verdict } from "./scheme.ts";

export type HashAlgorithm = "sha256" | "sha1";

/** What an HMAC is keyed with. Undefined: the secret cannot be one (say, it is not base64), and so fits nothing. */
export type Key = string | Uint8Array | undefined;

/**
 * Which of the secrets fits. Every one is tried, whichever fits first, so that the time tells nothing.
 * `fits` answers undefined for a secret that cannot be one of this scheme: it counts as none. An empty one never fits.
 */
export function matchSecret(
  secrets: readonly string[],
  fits: (secret: string) => boolean | undefined,
): Verdict {
  let usable = false;
  let fitting = -1;
  for (const [index, secret] of secrets.entries()) {
    const fit = secret === "" ? undefined : fits(secret);
    if (fit === undefined) continue;
    usable = true;
    if (fit && fitting === -1) fitting = index;
  }
  if (!usable) return refused("no_secret");
  return fitting === -1 ? refused("mismatch") : { ok: true, secret: fitting };
}

/**
 * Whether any of the candidate signatures is the HMAC of the parts under any of the secrets. Every pair is
 * compared, in constant time, so that the time tells nothing about which came close.
 */
export function matchHmac(options: {
  algorithm: HashAlgorithm;
  secrets: readonly string[];
  key?: (secret: string) => Key;
  signed: readonly (string | Uint8Array)[];
  candidates: readonly Uint8Array[];
}): Verdict {
  const { algorithm, secrets, key = asItIs, signed, candidates } = options;
  return matchSecret(secrets, (secret) => {
    const used = key(secret);
    if (used === undefined || used.length === 0) return undefined;
    return anySame(candidates, hmac(algorithm, used, signed));
  });
}

const asItIs = (secret: string): Key => secret;

/** Whether any of the candidates is what was expected; all are compared, in constant time. */
export function anySame(candidates: readonly Uint8Array[], expected: Uint8Array): boolean {
  let found = false;
  for (const candidate of candidates) {
    const equal = candidate.length === expected.length && timingSafeEqual(candidate, expected);
    if (equal) found = true;
  }
  return found;
}

export function hmac(
  algorithm: HashAlgorithm,
  key: string | Uint8Array,
  parts: readonly (string | Uint8Array)[],
): Uint8Array {
  const mac = createHmac(algorithm, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Constant-time comparison of two texts of any length: their hashes are compared. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

const DIGEST_BYTES = { sha256: 32, sha1: 20 } as const;

/** The bytes of a digest's signature, or undefined unless it is exactly the canonical encoding of one. */
export function decodeDigest(
  text: string,
  encoding: "hex" | "base64",
  algorithm: HashAlgorithm,
): Uint8Array | undefined {
  const bytes = decode(text, encoding);
  return bytes?.length === DIGEST_BYTES[algorithm] ? bytes : undefined;
}

/**
 * The bytes of a text, or undefined unless it is exactly their canonical encoding: Buffer.from forgives stray
 * characters, and two texts for one signature would defeat recognising a repeat.
 */
export function decode(text: string, encoding: "hex" | "base64"): Uint8Array | undefined {
  const bytes = Buffer.from(text, encoding);
  return bytes.toString(encoding) === (encoding === "hex" ? text.toLowerCase() : text) ? bytes : undefined;
}
