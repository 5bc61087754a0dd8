import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";

/** HMAC-SHA-256 over the parts, each with its length, so that moving a boundary gives another value. */
export function keyedHash(key: KeyObject, ...parts: (string | Uint8Array)[]): Uint8Array {
  const mac = createHmac("sha256", key);
  for (const part of parts) {
    mac.update(`${typeof part === "string" ? Buffer.byteLength(part) : part.length}:`);
    mac.update(part);
  }
  return mac.digest();
}

/** HMAC-SHA-256 of exactly these bytes. */
export function hmacSha256(key: KeyObject, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}

/** Constant-time equality; values of different length are unequal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
