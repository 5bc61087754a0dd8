import { matchSecret, sameText } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";

/**
 * For platforms that sign nothing: a secret in the query of the URL that only they are given. It proves less
 * than a signature (whoever sees the URL can send anything), so such a connection's README says so.
 */
export function urlSecret(options: { parameter?: string } = {}): SignatureScheme {
  const { parameter = "secret" } = options;
  return {
    kind: "url_secret",
    signs: [],
    summary: `nothing is signed; the URL carries \`?${parameter}=…\``,
    verify(request, secrets) {
      const given = new URL(request.url).searchParams.getAll(parameter);
      const [value] = given;
      if (value === undefined || value === "") return refused("missing_signature");
      if (given.length > 1) return refused("malformed_signature");
      return matchSecret(secrets, (secret) => sameText(secret, value));
    },
    sign: (_request, secret) => ({ headers: {}, query: { [parameter]: secret } }),
  };
}
