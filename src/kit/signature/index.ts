export { hmac } from "./hmac.ts";
export {
  REFUSALS,
  type Refusal,
  type Signable,
  type SignatureScheme,
  type Signed,
  type Verdict,
} from "./scheme.ts";
export { timestamped } from "./timestamped.ts";
export { urlSecret } from "./url-secret.ts";
