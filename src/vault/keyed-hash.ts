import { createHmac, type KeyObject } from "node:crypto";

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
