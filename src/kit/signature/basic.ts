import { decode, matchSecret, sameText } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";

/**
 * HTTP Basic authentication (RFC 7617), for platforms that can send it but sign nothing. The secret is
 * `user:password`, in UTF-8. It proves less than a signature: whoever sees one request can send any.
 */
export function basic(): SignatureScheme {
  return {
    kind: "basic",
    signs: [],
    summary: "`authorization`: Basic, base64 of `user:password`; nothing is signed",
    header: "authorization",
    secretFault: (secret) => (/^[^:]+:./.test(secret) ? undefined : "user:password"),
    keyPair: () => ({ secret: "user:password", signing: "user:password" }),
    verify(request, secrets) {
      const value = request.header("authorization");
      if (value === undefined || value === "") return refused("missing_signature");
      const [, credentials = ""] = /^basic +(\S+)$/i.exec(value) ?? [];
      const bytes = decode(credentials, "base64");
      const given = bytes && Buffer.from(bytes).toString("utf8");
      if (!given?.includes(":")) return refused("malformed_signature");
      return matchSecret(secrets, (secret) => sameText(secret, given));
    },
    sign: (_request, secret) => ({
      headers: { authorization: `Basic ${Buffer.from(secret, "utf8").toString("base64")}` },
    }),
  };
}
