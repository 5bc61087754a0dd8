import { decodeDigest, type HashAlgorithm, hmac as hmacOf, matchHmac } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";

/**
 * One header with an HMAC of the raw body, as Shopify, WooCommerce and many others sign.
 *
 * @example hmac({ header: "x-shopify-hmac-sha256", algorithm: "sha256", encoding: "base64" })
 */
export function hmac(options: {
  header: string;
  algorithm: HashAlgorithm;
  encoding: "hex" | "base64";
  /** Text before the signature, e.g. `sha256=`. */
  prefix?: string;
  /** How the platform turns the secret that it shows into the key that it uses. Default: as it is. */
  key?: (secret: string) => string;
}): SignatureScheme {
  const { header, algorithm, encoding, prefix = "", key = (secret: string) => secret } = options;
  return {
    kind: "hmac",
    signs: ["body"],
    summary: `\`${header}\`: ${prefix}${encoding} HMAC-${algorithm.toUpperCase()} of the raw body`,
    header,
    verify(request, secrets) {
      const value = request.header(header);
      if (value === undefined || value === "") return refused("missing_signature");
      if (!value.startsWith(prefix)) return refused("malformed_signature");
      const candidate = decodeDigest(value.slice(prefix.length), encoding, algorithm);
      if (candidate === undefined) return refused("malformed_signature");
      return matchHmac({
        algorithm,
        secrets: secrets.map(key),
        signed: [request.body],
        candidates: [candidate],
      });
    },
    sign: (request, secret) => ({
      headers: {
        [header]: prefix + Buffer.from(hmacOf(algorithm, key(secret), [request.body])).toString(encoding),
      },
    }),
  };
}
