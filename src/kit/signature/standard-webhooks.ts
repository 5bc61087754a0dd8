import { createHash, randomBytes } from "node:crypto";
import { connectorErrors } from "../errors.ts";
import { byHeader } from "./by-header.ts";
import { decode, decodeDigest, hmac, matchHmac } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";
import { checkTolerance, offTime, readTime, writeTime } from "./time.ts";

/**
 * Standard Webhooks: `<family>-signature: v1,<base64> v1,<base64>` over `<id>.<timestamp>.<body>`, HMAC-SHA256.
 * Both families of headers are taken, `webhook-*` and Svix's `svix-*`, but never a mixture of them; `family` is
 * the one that is looked for first and signed with. Versions other than v1 (v1a is asymmetric) are ignored.
 * The secret is base64, perhaps after `whsec_`; another one counts as none.
 *
 * Sources: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md,
 * https://docs.svix.com/receiving/verifying-payloads/how-manual
 */
export function standardWebhooks(
  options: {
    family?: "webhook" | "svix";
    /** Seconds that the timestamp may be off, either way. Default 300. */
    tolerance?: number;
  } = {},
): SignatureScheme {
  const { family = "webhook", tolerance = 300 } = options;
  checkTolerance(tolerance);
  const [first, second] =
    family === "webhook" ? (["webhook", "svix"] as const) : (["svix", "webhook"] as const);
  return byHeader(ofFamily(first, tolerance), ofFamily(second, tolerance));
}

function ofFamily(family: "webhook" | "svix", tolerance: number): SignatureScheme {
  const header = `${family}-signature`;
  return {
    kind: "standard_webhooks",
    signs: ["body", "timestamp"],
    tolerance,
    summary: `\`${header}\`: \`v1,<base64>\`, HMAC-SHA256 of \`<${family}-id>.<${family}-timestamp>.<raw body>\`, ±${tolerance} s`,
    header,
    secretFault: (secret) => (keyOf(secret) === undefined ? FORM : undefined),
    keyPair() {
      const secret = `whsec_${randomBytes(24).toString("base64")}`;
      return { secret, signing: secret };
    },
    verify(request, secrets, now) {
      const value = request.header(header);
      if (value === undefined || value === "") return refused("missing_signature");
      const id = request.header(`${family}-id`);
      if (id === undefined || id === "") return refused("missing_header");
      const timestamp = request.header(`${family}-timestamp`);
      if (timestamp === undefined || timestamp === "") return refused("missing_timestamp");
      const at = readTime(timestamp, "seconds");
      if (at === undefined) return refused("malformed_timestamp");
      const signatures = value.split(" ").filter((text) => text.startsWith("v1,"));
      if (signatures.length === 0) return refused("missing_signature");
      const candidates = signatures
        .map((text) => decodeDigest(text.slice(3), "base64", "sha256"))
        .filter((candidate) => candidate !== undefined);
      if (candidates.length === 0) return refused("malformed_signature");
      const verdict = matchHmac({
        algorithm: "sha256",
        secrets,
        key: keyOf,
        signed: [`${id}.${timestamp}.`, request.body],
        candidates,
      });
      const off = verdict.ok ? offTime(at, now, tolerance) : undefined;
      return off === undefined ? verdict : refused(off);
    },
    sign(request, secret, now) {
      const key = keyOf(secret);
      if (key === undefined) throw connectorErrors.cannotSign(`the secret must be ${FORM}`);
      const timestamp = writeTime(now, "seconds");
      // Of the body, so that the same sample sent again is the same message.
      const id = `msg_${createHash("sha256").update(request.body).digest("hex").slice(0, 24)}`;
      const mac = Buffer.from(hmac("sha256", key, [`${id}.${timestamp}.`, request.body])).toString("base64");
      return {
        headers: { [`${family}-id`]: id, [`${family}-timestamp`]: timestamp, [header]: `v1,${mac}` },
      };
    },
  };
}

const FORM = "base64, perhaps after whsec_";

function keyOf(secret: string): Uint8Array | undefined {
  const key = decode(secret.replace(/^whsec_/, ""), "base64");
  return key?.length === 0 ? undefined : key;
}
