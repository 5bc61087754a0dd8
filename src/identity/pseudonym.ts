import type { IdentifierKind } from "#schemas";
import { type ControllerKeys, hmacSha256 } from "#vault";
import { NORMALISER } from "./normalise.ts";

/**
 * HMAC-SHA-256(controller's hash key, kind ":" version ":" value). A bare hash would not do: e-mail addresses
 * and phone numbers can be enumerated, so the salt is a secret key.
 */
export function pseudonym(
  keys: ControllerKeys,
  kind: IdentifierKind | "object",
  normalised: string,
): Uint8Array {
  return hmacSha256(keys.current("hash").key, `${kind}:${NORMALISER}:${normalised}`);
}
