export { basic } from "./basic.ts";
export { byHeader } from "./by-header.ts";
export { ecdsa } from "./ecdsa.ts";
export { decodeEntities } from "./entities.ts";
export { hmac } from "./hmac.ts";
export { type HubSpotVersion, hubspot } from "./hubspot.ts";
export { platformSchemes } from "./platforms.ts";
export {
  REFUSALS,
  type Refusal,
  type Signable,
  type SignatureScheme,
  type Signed,
  type Verdict,
} from "./scheme.ts";
export { standardWebhooks } from "./standard-webhooks.ts";
export type { TimeFormat } from "./time.ts";
export { timestamped } from "./timestamped.ts";
export { twilio } from "./twilio.ts";
export { urlSecret } from "./url-secret.ts";
