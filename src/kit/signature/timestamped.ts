import { decodeDigest, hmac, matchHmac } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";
import { checkTolerance, offTime, readTime, writeTime } from "./time.ts";

/**
 * `t=<seconds>,v1=<hex>,v1=<hex>` over `<t>.<body>`, as Stripe signs: HMAC-SHA256, one `v1` for each secret in
 * use. Other versions are ignored, so that nobody can downgrade. The timestamp is checked on both sides: the
 * official SDKs of Stripe and Paddle let one from the future pass.
 *
 * @example timestamped({ header: "paddle-signature", separator: ";", names: { time: "ts", signature: "h1" }, joiner: ":", tolerance: 5 })
 */
export function timestamped(options: {
  header: string;
  /** Seconds that the timestamp may be off, either way. Default 300. */
  tolerance?: number;
  /** What stands between the parts of the header. Default `,`. */
  separator?: string;
  /** What the parts are called. Default `t` and `v1`. */
  names?: { time: string; signature: string };
  /** What stands between timestamp and body where they are signed. Default `.`. */
  joiner?: string;
}): SignatureScheme {
  const { header, tolerance = 300, separator = ",", joiner = "." } = options;
  const { time, signature } = options.names ?? { time: "t", signature: "v1" };
  checkTolerance(tolerance);
  return {
    kind: "timestamped",
    signs: ["body", "timestamp"],
    tolerance,
    summary: `\`${header}\`: \`${time}=…${separator}${signature}=…\`, hex HMAC-SHA256 of \`<${time}>${joiner}<raw body>\`, ±${tolerance} s`,
    header,
    verify(request, secrets, now) {
      const value = request.header(header);
      if (value === undefined || value === "") return refused("missing_signature");
      const pairs = value.split(separator).map((part) => part.trim().split("="));
      if (pairs.some((pair) => pair.length !== 2)) return refused("malformed_signature");
      const timestamps = pairs.filter(([name]) => name === time).map(([, t = ""]) => t);
      const [timestamp] = timestamps;
      if (timestamp === undefined) return refused("missing_timestamp");
      const at = readTime(timestamp, "seconds");
      if (timestamps.length > 1 || at === undefined) return refused("malformed_timestamp");
      const signatures = pairs.filter(([name]) => name === signature).map(([, text = ""]) => text);
      if (signatures.length === 0) return refused("missing_signature");
      const candidates = signatures
        .map((text) => decodeDigest(text, "hex", "sha256"))
        .filter((candidate) => candidate !== undefined);
      if (candidates.length === 0) return refused("malformed_signature");
      const verdict = matchHmac({
        algorithm: "sha256",
        secrets,
        signed: [`${timestamp}${joiner}`, request.body],
        candidates,
      });
      const off = verdict.ok ? offTime(at, now, tolerance) : undefined;
      return off === undefined ? verdict : refused(off);
    },
    sign(request, secret, now) {
      const t = writeTime(now, "seconds");
      const mac = Buffer.from(hmac("sha256", secret, [`${t}${joiner}`, request.body])).toString("hex");
      return { headers: { [header]: `${time}=${t}${separator}${signature}=${mac}` } };
    },
  };
}
