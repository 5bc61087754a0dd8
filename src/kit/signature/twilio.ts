import { createHash } from "node:crypto";
import type { WebhookRequest } from "../request.ts";
import { anySame, decodeDigest, hmac, matchSecret, sameText } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";

/**
 * Twilio: base64 HMAC-SHA1 of the URL and, of a form, the names and values of its parameters, sorted, without
 * anything between them. Of any other body the URL carries the SHA-256 (`bodySHA256`, hex), and is signed alone.
 *
 * Not the bytes of a form are signed, but what it says, and not even where a name ends: that is why `signs` does
 * not say `body`. Twilio leaves it open whether the URL's port is signed, so one is ignored that was not.
 *
 * Sources: https://www.twilio.com/docs/usage/security#validating-requests,
 * https://github.com/twilio/twilio-node/blob/main/src/webhooks/webhooks.ts
 */
export function twilio(): SignatureScheme {
  return {
    kind: "twilio",
    signs: ["url"],
    summary: `\`${HEADER}\`: base64 HMAC-SHA1 of URL and sorted form parameters, or of a URL with \`bodySHA256\``,
    header: HEADER,
    verify(request, secrets) {
      const value = request.header(HEADER);
      if (value === undefined || value === "") return refused("missing_signature");
      const candidate = decodeDigest(value, "base64", "sha1");
      if (candidate === undefined) return refused("malformed_signature");
      const bodyFits = hashOf(request.url).every((hash) => sameText(hash, sha256(request.body)));
      const content = signedContent(request);
      const urls = spellings(request.url);
      return matchSecret(secrets, (secret) => {
        let fits = false;
        for (const url of urls) if (anySame([candidate], hmac("sha1", secret, [url, content]))) fits = true;
        return fits && bodyFits;
      });
    },
    sign(request, secret) {
      const mac = hmac("sha1", secret, [request.url, signedContent(request)]);
      return { headers: { [HEADER]: Buffer.from(mac).toString("base64") } };
    },
  };
}

const HEADER = "x-twilio-signature";

const sha256 = (body: Uint8Array) => createHash("sha256").update(body).digest("hex");
const hashOf = (url: string) => new URL(url).searchParams.getAll("bodySHA256");

/** A form's parameters: sorted by name, several values of one name sorted and each once. */
function signedContent(request: WebhookRequest): string {
  if (hashOf(request.url).length > 0 || request.body.length === 0) return "";
  const values = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(Buffer.from(request.body).toString("utf8")))
    values.set(name, (values.get(name) ?? new Set()).add(value));
  return [...values.keys()]
    .sort()
    .map((name) =>
      [...(values.get(name) ?? [])]
        .sort()
        .map((value) => name + value)
        .join(""),
    )
    .join("");
}

/**
 * The ways in which Twilio may have written this URL when it signed: with and without port, and with the query
 * escaped as it is here, as an apostrophe is sent (URL parsers escape it), or as its older servers did.
 */
function spellings(url: string): Set<string> {
  const [, scheme = "", host = "", port, rest = ""] =
    /^(https?:\/\/)([^/?#]*?)(:\d+)?([/?#].*)?$/i.exec(url) ?? [];
  const withPort = port ?? (scheme.toLowerCase() === "https://" ? ":443" : ":80");
  const [path = "", ...query] = rest.split("?");
  const rests = [rest];
  if (query.length > 0) {
    const text = query.join("?");
    const escaped = [...new URLSearchParams(text)].map((pair) => pair.map(encodeURIComponent).join("="));
    rests.push(`${path}?${text.replaceAll("%27", "'")}`, `${path}?${escaped.join("&")}`);
  }
  return new Set([url, ...rests.flatMap((text) => [scheme + host + text, scheme + host + withPort + text])]);
}
