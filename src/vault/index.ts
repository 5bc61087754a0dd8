export { vaultErrors } from "./errors.ts";
export {
  type ControllerKeys,
  createKeyRing,
  KEYS_CHANGED,
  type KeyPurpose,
  type KeyRing,
  keysChanged,
  type VersionedKey,
} from "./key-ring.ts";
export { hmacSha256, keyedHash } from "./keyed-hash.ts";
export { type MasterKeyProvider, masterKeyFromEnvironment, masterKeyFromFile } from "./master-key.ts";
export { rotateMasterKey } from "./rotate.ts";
export {
  fingerprint,
  open,
  rewrap,
  type SealContext,
  seal,
  type WrappingKey,
  wrappingVersion,
} from "./sealing.ts";
