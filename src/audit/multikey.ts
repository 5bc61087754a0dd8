import { base58 } from "@scure/base";

/** Multicodec prefix of an Ed25519 public key, and its length with the key. */
const [PREFIX, LENGTH] = [Uint8Array.of(0xed, 0x01), 34];

/**
 * An Ed25519 public key, from its raw 32 bytes, as Multikey: base58btc, which `z` stands for, of prefix and key
 * (W3C Controlled Identifiers 1.0, https://www.w3.org/TR/cid-1.0/#Multikey).
 */
export function multikey(publicKey: Uint8Array): string {
  return `z${base58.encode(Uint8Array.of(...PREFIX, ...publicKey))}`;
}

/** The raw 32 bytes; undefined for whatever is no Ed25519 public key. */
export function fromMultikey(text: string): Uint8Array | undefined {
  if (!/^z[1-9A-HJ-NP-Za-km-z]{40,50}$/.test(text)) return undefined;
  const bytes = base58.decode(text.slice(1));
  return bytes.length === LENGTH && PREFIX.every((byte, i) => bytes[i] === byte)
    ? bytes.subarray(PREFIX.length)
    : undefined;
}
