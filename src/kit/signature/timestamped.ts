import { decodeDigest, hmac, matchHmac } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";

/**
 * `t=<seconds>,v1=<hex>,v1=<hex>` over `<t>.<body>`, as Stripe signs: HMAC-SHA256, one `v1` for each secret in
 * use. Other versions are ignored, so that nobody can downgrade. The timestamp is checked on both sides: the
 * official SDK lets one from the future pass.
 */
export function timestamped(options: {
  header: string;
  /** Seconds that the timestamp may be off, either way. Default 300. */
  tolerance?: number;
}): SignatureScheme {
  const { header, tolerance = 300 } = options;
  return {
    kind: "timestamped",
    signs: ["body", "timestamp"],
    tolerance,
    summary: `\`${header}\`: \`t=…,v1=…\`, hex HMAC-SHA256 of \`<t>.<raw body>\`, ±${tolerance} s`,
    header,
    verify(request, secrets, now) {
      const value = request.header(header);
      if (value === undefined || value === "") return refused("missing_signature");
      const pairs = value.split(",").map((part) => part.trim().split("="));
      if (pairs.some((pair) => pair.length !== 2)) return refused("malformed_signature");
      const timestamps = pairs.filter(([name]) => name === "t").map(([, t = ""]) => t);
      const [timestamp] = timestamps;
      if (timestamp === undefined) return refused("missing_timestamp");
      if (timestamps.length > 1 || !/^[1-9]\d{0,11}$/.test(timestamp)) return refused("malformed_timestamp");
      const signatures = pairs.filter(([name]) => name === "v1").map(([, v1 = ""]) => v1);
      if (signatures.length === 0) return refused("missing_signature");
      const candidates = signatures
        .map((text) => decodeDigest(text, "hex", "sha256"))
        .filter((candidate) => candidate !== undefined);
      if (candidates.length === 0) return refused("malformed_signature");
      const verdict = matchHmac({
        algorithm: "sha256",
        secrets,
        signed: [`${timestamp}.`, request.body],
        candidates,
      });
      if (!verdict.ok) return verdict;
      const age = now / 1000 - Number(timestamp);
      if (age > tolerance) return refused("timestamp_too_old");
      if (age < -tolerance) return refused("timestamp_in_future");
      return verdict;
    },
    sign(request, secret, now) {
      const t = Math.floor(now / 1000);
      const v1 = Buffer.from(hmac("sha256", secret, [`${t}.`, request.body])).toString("hex");
      return { headers: { [header]: `t=${t},v1=${v1}` } };
    },
  };
}
