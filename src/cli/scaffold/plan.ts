import {
  basic,
  ecdsa,
  hmac,
  platformSchemes,
  type SignatureScheme,
  timestamped,
  urlSecret,
  webhookRequest,
} from "#kit";
import { LetheError } from "#schemas";

/** Where a fact about a request stands. */
export interface Place {
  readonly in: "header" | "body";
  /** A header's name, or a path such as `data.id`. */
  readonly at: string;
}

/** What a new connector is made of. */
export interface Plan {
  readonly id: string;
  /** The platform's own name. */
  readonly name: string;
  readonly documentation: string;
  readonly scheme: SchemePlan;
  readonly topic: Place;
  /** The first topic: the one that the generated fixture is about. */
  readonly firstTopic: string;
  readonly delivery: Place | undefined;
  readonly account: Place | undefined;
  /** What the kit is imported as: `#kit` in the checkout, `lethe/kit` elsewhere. */
  readonly kit: "#kit" | "lethe/kit";
}

export type SchemePlan =
  | {
      readonly kind: "hmac";
      readonly header: string;
      readonly algorithm: "sha256" | "sha1";
      readonly encoding: "hex" | "base64";
      readonly prefix?: string;
      readonly signed?: string;
      readonly timestamp?: { readonly header: string; readonly format: TimeFormat };
    }
  | { readonly kind: "timestamped"; readonly header: string }
  | { readonly kind: "ecdsa"; readonly header: string; readonly timestampHeader: string }
  | { readonly kind: "basic" | "url-secret" }
  | { readonly kind: "platform"; readonly platform: keyof typeof platformSchemes };

export const TIME_FORMATS = ["seconds", "milliseconds", "http-date", "iso"] as const;
type TimeFormat = (typeof TIME_FORMATS)[number];

/** The schemes that have options, and what they are for. */
export const GENERAL_SCHEMES = {
  hmac: "a header with an HMAC of the body, or of a template",
  timestamped: "one header with a time and signatures: t=…,v1=…",
  ecdsa: "a header with an ECDSA signature; the secret is a public key",
  basic: "HTTP basic authentication; nothing is signed",
  "url-secret": "nothing is signed; a secret stands in the URL",
} as const;

export const schemeNames = (): string[] => [...Object.keys(GENERAL_SCHEMES), ...Object.keys(platformSchemes)];

/** `header:x-topic` or `body:data.type`; `none` where that is allowed. */
export function placeOf(text: string): Place {
  const [, where, at = ""] = /^(header|body):(.+)$/.exec(text.trim()) ?? [];
  const valid = where === "header" ? /^[a-z][\w-]*$/i.test(at) : /^[\w-]+(\.[\w-]+)*$/.test(at);
  if (where === undefined || !valid)
    throw new LetheError(
      "cli/bad-place",
      `"${text}" is neither a header, such as header:x-topic, nor a field of the body, such as body:data.type`,
    );
  return where === "header" ? { in: "header", at: at.toLowerCase() } : { in: "body", at };
}

/** The headers that the signature uses. Throws `cli/bad-scheme` if the kit cannot make it. */
export function signedHeaders(scheme: SchemePlan): string[] {
  try {
    const made = schemeOf(scheme);
    const { signing } = made.keyPair?.() ?? { signing: "a secret to see the headers" };
    return Object.keys(made.sign(webhookRequest({}), signing, Date.now()).headers);
  } catch (error) {
    throw new LetheError(
      "cli/bad-scheme",
      error instanceof Error ? error.message : "there is no such scheme",
    );
  }
}

function schemeOf(scheme: SchemePlan): SignatureScheme {
  switch (scheme.kind) {
    case "hmac":
      return hmac(scheme);
    case "timestamped":
      return timestamped(scheme);
    case "ecdsa":
      return ecdsa(scheme);
    case "basic":
      return basic();
    case "url-secret":
      return urlSecret();
    case "platform":
      return platformSchemes[scheme.platform];
  }
}
