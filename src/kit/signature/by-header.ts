import { refused, type SignatureScheme } from "./scheme.ts";

/**
 * Several schemes behind one door: the first whose signature header is in the request decides, and no other is
 * asked if it refuses. Signs as the first does. What the whole signs is only what each of them signs.
 *
 * @example byHeader(hmac({ header: "shopify-hmac-sha256", … }), hmac({ header: "x-shopify-hmac-sha256", … }))
 */
export function byHeader(first: SignatureScheme, ...others: readonly SignatureScheme[]): SignatureScheme {
  const schemes = [first, ...others];
  return {
    ...first,
    signs: first.signs.filter((what) => others.every(({ signs }) => signs.includes(what))),
    summary: schemes.map(({ summary }) => summary).join("; or "),
    verify(request, secrets, now) {
      const scheme = schemes.find(
        ({ header }) => header !== undefined && request.header(header) !== undefined,
      );
      return scheme === undefined ? refused("missing_signature") : scheme.verify(request, secrets, now);
    },
  };
}
