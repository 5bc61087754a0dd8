import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  randomFillSync,
  timingSafeEqual,
} from "node:crypto";
import type { ControllerId, Sealed } from "#schemas";
import { vaultErrors } from "./errors.ts";

/**
 * Sealed form, version 1 (all integers big-endian):
 *
 *   version 1 ‖ algorithm 1 ‖ wrapping key version 4 ‖ wrap IV 12 ‖ wrapped data key 32 + tag 16
 *   ‖ key commitment 32 ‖ IV 12 ‖ ciphertext ‖ tag 16
 *
 * A fresh data key for every value; it yields an encryption key and a commitment (HKDF-Expand, RFC 5869
 * §2.3; §3.3 allows leaving out Extract for a uniformly random key). AES-256-GCM for both layers. Without the
 * commitment, GCM lets two keys open one ciphertext to two texts.
 */
const VERSION = 1;
const AES_256_GCM = 1;
const WRAP_AT = 2;
const WRAP_END = WRAP_AT + 4 + 12 + 32 + 16;
const IV_AT = WRAP_END + 32;
const TEXT_AT = IV_AT + 12;
const TAG = 16;

/** What a sealed value is and where it belongs: bound in, so that it opens nowhere else. */
export interface SealContext {
  readonly purpose: string;
  readonly controllerId: ControllerId;
  readonly recordId: string;
}

export interface WrappingKey {
  readonly version: number;
  readonly key: KeyObject;
}

/** Encrypts `plaintext` under a fresh data key, itself wrapped under `wrapping`. */
export function seal<T>(wrapping: WrappingKey, context: SealContext, plaintext: Uint8Array): Sealed<T> {
  const associated = associatedData(context);
  const random = takeRandom(32 + 12 + 12);
  const dataKey = random.subarray(0, 32);
  const wrapIv = random.subarray(32, 44);
  const iv = random.subarray(44);
  const { encryption, commitment } = derive(dataKey);
  const wrapped = gcmSeal(wrapping.key, wrapIv, associated, dataKey);
  const text = gcmSeal(encryption, iv, associated, plaintext);
  const head = Buffer.allocUnsafe(6);
  head.writeUInt8(VERSION, 0);
  head.writeUInt8(AES_256_GCM, 1);
  head.writeUInt32BE(wrapping.version, 2);
  dataKey.fill(0);
  return Buffer.concat([head, wrapIv, wrapped, commitment, iv, text]) as unknown as Sealed<T>;
}

/** Decrypts, or throws `vault/cannot-open`. `wrapping` finds the wrapping key of the version in the header. */
export function open<T>(
  wrapping: (version: number) => WrappingKey,
  context: SealContext,
  sealed: Sealed<T>,
): Uint8Array {
  const associated = associatedData(context);
  const dataKey = unwrap(wrapping, associated, sealed);
  const { encryption, commitment } = derive(dataKey);
  dataKey.fill(0);
  if (!timingSafeEqual(commitment, sealed.subarray(WRAP_END, IV_AT))) throw vaultErrors.cannotOpen();
  return gcmOpen(encryption, sealed.subarray(IV_AT, TEXT_AT), associated, sealed.subarray(TEXT_AT));
}

/** The same value with its data key wrapped under another key: rotation without touching the payload. */
export function rewrap<T>(
  from: (version: number) => WrappingKey,
  to: WrappingKey,
  context: SealContext,
  sealed: Sealed<T>,
): Sealed<T> {
  const associated = associatedData(context);
  const dataKey = unwrap(from, associated, sealed);
  const wrapIv = randomBytes(12);
  const wrapped = gcmSeal(to.key, wrapIv, associated, dataKey);
  dataKey.fill(0);
  const head = Buffer.from(sealed.subarray(0, WRAP_AT + 4));
  head.writeUInt32BE(to.version, WRAP_AT);
  return Buffer.concat([head, wrapIv, wrapped, sealed.subarray(WRAP_END)]) as unknown as Sealed<T>;
}

/** Version of the key that wraps the value's data key. */
export function wrappingVersion(sealed: Sealed<unknown>): number {
  if (sealed.length < TEXT_AT + TAG || sealed[0] !== VERSION || sealed[1] !== AES_256_GCM)
    throw vaultErrors.cannotOpen();
  return Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).readUInt32BE(WRAP_AT);
}

/**
 * Hex SHA-256 of the part that rotation leaves alone, and the key commitment: what the audit log keeps
 * of a body, so that its proof stays valid after rotation and after shredding.
 */
export function fingerprint(sealed: Sealed<unknown>): { hash: string; commitment: string } {
  const lasting = createHash("sha256").update(sealed.subarray(0, WRAP_AT)).update(sealed.subarray(WRAP_END));
  return {
    hash: lasting.digest("hex"),
    commitment: Buffer.from(sealed.subarray(WRAP_END, IV_AT)).toString("hex"),
  };
}

/** Fresh random bytes, drawn many at a time: asking for a few costs as much as encrypting a webhook. */
const reserve = Buffer.alloc(4_096);
let taken = reserve.length;

function takeRandom(length: number): Buffer {
  if (taken + length > reserve.length) {
    randomFillSync(reserve);
    taken = 0;
  }
  const drawn = Buffer.from(reserve.subarray(taken, taken + length));
  reserve.fill(0, taken, taken + length); // whoever drew them has the only copy
  taken += length;
  return drawn;
}

function unwrap(
  wrapping: (version: number) => WrappingKey,
  associated: Uint8Array,
  sealed: Sealed<unknown>,
): Uint8Array {
  const { key } = wrapping(wrappingVersion(sealed));
  const ivAt = WRAP_AT + 4;
  return gcmOpen(key, sealed.subarray(ivAt, ivAt + 12), associated, sealed.subarray(ivAt + 12, WRAP_END));
}

function derive(dataKey: Uint8Array): { encryption: KeyObject; commitment: Uint8Array } {
  // KeyObjects throughout: node:crypto is three to five times slower on raw key buffers.
  const key = createSecretKey(dataKey);
  return {
    encryption: createSecretKey(expand(key, "lethe:v1:encryption")),
    commitment: expand(key, "lethe:v1:commitment"),
  };
}

function expand(key: KeyObject, info: string): Uint8Array {
  return createHmac("sha256", key).update(`${info}\x01`).digest();
}

/** Length-prefixed, so that no two contexts give the same bytes. The wrapping key's version stays out: rotation. */
function associatedData(context: SealContext): Uint8Array {
  return Buffer.from(
    [`lethe:seal:v${VERSION}`, context.purpose, context.controllerId, context.recordId]
      .map((part) => `${Buffer.byteLength(part)}:${part}`)
      .join(""),
  );
}

function gcmSeal(key: KeyObject, iv: Uint8Array, associated: Uint8Array, text: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: TAG });
  cipher.setAAD(associated);
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function gcmOpen(key: KeyObject, iv: Uint8Array, associated: Uint8Array, text: Uint8Array): Uint8Array {
  try {
    const cipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: TAG });
    cipher.setAAD(associated);
    cipher.setAuthTag(text.subarray(text.length - TAG));
    return Buffer.concat([cipher.update(text.subarray(0, text.length - TAG)), cipher.final()]);
  } catch {
    throw vaultErrors.cannotOpen();
  }
}
