export { buildBundle, MAX_BUNDLE } from "./bundle.ts";
export type { BundleFacts, HubKnowledge, PlatformPart, Statements } from "./facts.ts";
export { normalPassphrase, PASSPHRASE_BYTES, passphraseOf, samePassphrase } from "./passphrase.ts";
