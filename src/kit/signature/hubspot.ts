import { createHash } from "node:crypto";
import type { WebhookRequest } from "../request.ts";
import { anySame, decodeDigest, matchSecret } from "./compare.ts";
import { hmac } from "./hmac.ts";
import { refused, type SignatureScheme } from "./scheme.ts";

export type HubSpotVersion = "v1" | "v2" | "v3";

/**
 * HubSpot's v3, and the older versions only where they are named. A request with `X-HubSpot-Signature-v3` is checked as
 * v3 whatever else it carries (if v3 is accepted); one without, as the version that `X-HubSpot-Signature-Version` names.
 *
 * Beware of the downgrade: HubSpot sends the older signatures along with v3, so whoever saw one request can leave
 * v3 out, and v1 and v2 carry no timestamp; v1 does not even sign where the request goes. Both are plain SHA-256
 * of secret and content, which lets bytes be appended to a body whose hash is known (JSON with them is unreadable).
 * Name them only where HubSpot sends nothing better. `signs` is what all accepted versions sign.
 *
 * Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
 */
export function hubspot(options: { versions?: readonly HubSpotVersion[] } = {}): SignatureScheme {
  const { versions = ["v3"] } = options;
  const best = (["v3", "v2", "v1"] as const).find((version) => versions.includes(version));
  if (best === undefined) throw new TypeError("a HubSpot scheme needs at least one version");
  const onlyV3 = versions.every((version) => version === "v3");
  return {
    kind: "hubspot",
    signs: SIGNS[versions.includes("v1") ? "v1" : versions.includes("v2") ? "v2" : "v3"],
    ...(onlyV3 ? { tolerance: TOLERANCE } : {}),
    summary: versions.map((version) => SUMMARIES[version]).join("; or "),
    header: best === "v3" ? V3_HEADER : HEADER,
    verify(request, secrets, now) {
      if (versions.includes("v3") && request.header(V3_HEADER) !== undefined)
        return v3.verify(asSigned(request), secrets, now);
      const value = request.header(HEADER);
      if (onlyV3 || value === undefined || value === "") return refused("missing_signature");
      const version = request.header(VERSION_HEADER);
      if (version === undefined || version === "") return refused("missing_header");
      const candidate = decodeDigest(value, "hex", "sha256");
      if ((version !== "v1" && version !== "v2") || !versions.includes(version) || candidate === undefined)
        return refused("malformed_signature");
      return matchSecret(secrets, (secret) => anySame([candidate], plain(version, request, secret)));
    },
    sign(request, secret, now) {
      if (best === "v3") return v3.sign(asSigned(request), secret, now);
      const signature = Buffer.from(plain(best, request, secret)).toString("hex");
      return { headers: { [HEADER]: signature, [VERSION_HEADER]: best } };
    },
  };
}

const HEADER = "x-hubspot-signature";
const VERSION_HEADER = "x-hubspot-signature-version";
const V3_HEADER = "x-hubspot-signature-v3";
const TOLERANCE = 300;

const SIGNS = {
  v1: ["body"],
  v2: ["method", "url", "body"],
  v3: ["method", "url", "body", "timestamp"],
} as const;

const v3 = hmac({
  header: V3_HEADER,
  algorithm: "sha256",
  encoding: "base64",
  signed: "{method}{url}{body}{timestamp}",
  timestamp: { header: "x-hubspot-request-timestamp", format: "milliseconds", tolerance: TOLERANCE },
});

const SUMMARIES = {
  v1: `\`${HEADER}\` (v1): hex SHA-256 of secret and raw body`,
  v2: `\`${HEADER}\` (v2): hex SHA-256 of secret, method, URL and raw body`,
  v3: v3.summary,
};

function plain(version: "v1" | "v2", request: WebhookRequest, secret: string): Uint8Array {
  const hash = createHash("sha256").update(secret);
  if (version === "v2") hash.update(request.method).update(request.url);
  return hash.update(request.body).digest();
}

/** The request as v3 signs it: these escapes, and no others, are undone in its URL. */
function asSigned(request: WebhookRequest): WebhookRequest {
  return {
    method: request.method,
    url: request.url.replace(/%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, decodeURIComponent),
    header: (name) => request.header(name),
    body: request.body,
  };
}
