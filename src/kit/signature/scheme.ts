import type { WebhookRequest } from "../request.ts";

/** Why a request was not let in. Enumerated: it goes into logs, metrics and answers. */
export const REFUSALS = [
  "no_secret",
  "missing_header",
  "missing_signature",
  "malformed_signature",
  "missing_timestamp",
  "malformed_timestamp",
  "timestamp_too_old",
  "timestamp_in_future",
  "mismatch",
  "wrong_account",
  "wrong_content_type",
  "header_disagrees",
] as const;
export type Refusal = (typeof REFUSALS)[number];

export type Verdict =
  | { readonly ok: true /** Which of the secrets fitted. */; readonly secret: number }
  | { readonly ok: false; readonly reason: Refusal };

/** How a platform proves that it sent a request. Schemes are pure: bytes, secrets and a clock in, a verdict out. */
export interface SignatureScheme {
  readonly kind: string;
  /** One line for people: header, algorithm, signed bytes. */
  readonly summary: string;
  /** The header that carries the signature; absent where the secret is in the URL. */
  readonly header?: string;
  /** What of a request cannot be changed without breaking its signature. */
  readonly signs: readonly Signable[];
  /** Seconds that a signed timestamp may be off, either way. */
  readonly tolerance?: number;
  /** Where not just any text can be the secret: what it has to be, if this one cannot. */
  readonly secretFault?: (secret: string) => string | undefined;
  /**
   * Where not just any text can be the secret: one to test with. Its `secret` verifies, what is `signing` signs.
   * They differ only where the platform signs with a private key.
   */
  readonly keyPair?: () => { readonly secret: string; readonly signing: string };
  /**
   * Checks the request against every secret, in constant time for each. An empty secret never fits.
   * `now` in milliseconds since the epoch.
   */
  verify(request: WebhookRequest, secrets: readonly string[], now: number): Verdict;
  /**
   * What a platform with this secret would add to the request: headers, or a query. For tests and `lethe send`.
   * Throws `connector/cannot-sign` where the secret cannot sign, as a public key cannot.
   */
  sign(request: WebhookRequest, secret: string, now: number): Signed;
}

export type Signable = "method" | "url" | "body" | "timestamp";

export interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

export const refused = (reason: Refusal): Verdict => ({ ok: false, reason });
