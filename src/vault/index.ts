export { vaultErrors } from "./errors.ts";
export {
  type ControllerKeys,
  createKeyRing,
  type KeyPurpose,
  type KeyRing,
  type VersionedKey,
} from "./key-ring.ts";
export { hmacSha256, keyedHash } from "./keyed-hash.ts";
export { type MasterKeyProvider, masterKeyFromEnvironment, masterKeyFromFile } from "./master-key.ts";
export { rotateMasterKey } from "./rotate.ts";
export { fingerprint, open, type SealContext, seal, type WrappingKey } from "./sealing.ts";
