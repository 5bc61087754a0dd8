import { connectorErrors } from "../errors.ts";
import { decodeDigest, type HashAlgorithm, hmac as hmacOf, type Key, matchHmac } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";
import { readTemplate } from "./template.ts";
import { checkTolerance, offTime, readTime, type TimeFormat, writeTime } from "./time.ts";

/**
 * One header with an HMAC of the raw body, as Shopify, GitHub and many others sign, or of a template.
 * Throws a TypeError for a template that it does not understand, or that does not hold the body.
 *
 * @example hmac({ header: "x-shopify-hmac-sha256", algorithm: "sha256", encoding: "base64" })
 * @example hmac({
 *   header: "x-cio-signature", algorithm: "sha256", encoding: "hex",
 *   signed: "v0:{timestamp}:{body}", timestamp: { header: "x-cio-timestamp", format: "seconds" },
 * })
 */
export function hmac(options: {
  header: string;
  algorithm: HashAlgorithm;
  encoding: "hex" | "base64";
  /** Text before the signature, e.g. `sha256=`. */
  prefix?: string;
  /** What is hashed: text with `{body}`, and `{method}`, `{url}`, `{timestamp}` as the platform has it. Default: `{body}`. */
  signed?: string;
  /** Where the timestamp stands; needed if it is signed, and useless if it is not. `tolerance` in seconds, default 300. */
  timestamp?: { header: string; format: TimeFormat; tolerance?: number };
  /** What a secret looks like, where not just any text can be one: `is` says it, and `example` makes one to test with. */
  secret?: { form: RegExp; is: string; example: () => string };
  /** How the platform turns the secret that it shows into the key that it uses. Default: as it is. */
  key?: (secret: string) => Key;
}): SignatureScheme {
  const { header, algorithm, encoding, prefix = "", signed = "{body}", key = (secret) => secret } = options;
  const { secret: form } = options;
  const template = readTemplate(signed);
  if (template.signs.includes("timestamp") !== (options.timestamp !== undefined))
    throw new TypeError("a scheme has `timestamp` if, and only if, {timestamp} is in what is signed");
  const { tolerance = 300 } = options.timestamp ?? {};
  checkTolerance(tolerance);
  const dated = options.timestamp === undefined ? undefined : { ...options.timestamp, tolerance };
  const what =
    signed === "{body}"
      ? "the raw body"
      : `\`${signed}\`${dated === undefined ? "" : `, \`${dated.header}\` ±${tolerance} s`}`;
  return {
    kind: "hmac",
    signs: template.signs,
    ...(dated === undefined ? {} : { tolerance }),
    summary: `\`${header}\`: ${prefix}${encoding} HMAC-${algorithm.toUpperCase()} of ${what}`,
    header,
    ...(form === undefined
      ? {}
      : {
          secretFault: (secret) => (form.form.test(secret) ? undefined : form.is),
          keyPair: () => {
            const secret = form.example();
            return { secret, signing: secret };
          },
        }),
    verify(request, secrets, now) {
      const value = request.header(header);
      if (value === undefined || value === "") return refused("missing_signature");
      if (!value.startsWith(prefix)) return refused("malformed_signature");
      const candidate = decodeDigest(value.slice(prefix.length), encoding, algorithm);
      if (candidate === undefined) return refused("malformed_signature");
      const timestamp = dated === undefined ? "" : (request.header(dated.header) ?? "");
      if (dated !== undefined && timestamp === "") return refused("missing_timestamp");
      const at = dated === undefined ? now : readTime(timestamp, dated.format);
      if (at === undefined) return refused("malformed_timestamp");
      const verdict = matchHmac({
        algorithm,
        secrets,
        key,
        signed: template.pieces(request, timestamp),
        candidates: [candidate],
      });
      const off = verdict.ok ? offTime(at, now, tolerance) : undefined;
      return off === undefined ? verdict : refused(off);
    },
    sign(request, secret, now) {
      const used = key(secret);
      if (used === undefined) throw connectorErrors.cannotSign("the secret is not of the platform's form");
      const timestamp = dated === undefined ? "" : writeTime(now, dated.format);
      const mac = Buffer.from(hmacOf(algorithm, used, template.pieces(request, timestamp)));
      return {
        headers: {
          ...(dated === undefined ? {} : { [dated.header]: timestamp }),
          [header]: prefix + mac.toString(encoding),
        },
      };
    },
  };
}
