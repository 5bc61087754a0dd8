import { API_PATIENCE, platformErrors, sdkFault, z } from "#kit";

export interface Credentials {
  readonly apiKey: string;
  /** `false`: customers are deleted, not redacted. */
  readonly redaction?: boolean | undefined;
}

/** What Stripe answered; `absent`: it knows no such object, or has no such address at all, such as a feature that the account lacks. */
export type Answer = { readonly body: unknown } | { readonly absent: "object" | "address" };

/** One request; fields that are undefined are not sent. Throws `platform/*`. */
export type Ask = (
  method: "GET" | "POST" | "DELETE",
  path: string,
  fields?: Readonly<Record<string, unknown>>,
) => Promise<Answer>;

/** Stripe's API, through its SDK. `account`: the connected account whose webhooks the connection takes, if it is one. */
export async function openStripe({ apiKey }: Credentials, account: string | null): Promise<Ask> {
  const { default: Stripe } = await import("stripe");
  const stripe = new Stripe(apiKey, {
    httpClient: Stripe.createFetchHttpClient(fetchHere),
    maxNetworkRetries: 0,
    // Otherwise it keeps an id of this machine in a file, and tells Stripe how long each request took.
    telemetry: false,
    ...(account?.startsWith("acct_") === true && { stripeAccount: account }),
  });
  // What is in preview is there in a version of its own: https://docs.stripe.com/sdks/versioning
  const preview = Stripe.API_VERSION.replace(/\.\w+$/, ".preview");

  return async (method, path, fields = {}) => {
    const inBody = method === "POST";
    const query = inBody ? "" : encode(fields);
    const options = path.startsWith("/v1/privacy/") ? { apiVersion: preview } : {};
    try {
      const address = query === "" ? path : `${path}?${query}`;
      return { body: await stripe.rawRequest(method, address, inBody ? fields : undefined, options) };
    } catch (error) {
      const known = Refusal.safeParse(error).data;
      if (known?.statusCode === 404)
        return { absent: known.code === "resource_missing" ? "object" : "address" };
      throw sdkFault(error, () => ({
        status: known?.statusCode,
        retryAfter: known?.headers?.["retry-after"],
      }));
    }
  };
}

/** Of fields that are texts, numbers, lists (`expand[]`) and the one level of ranges that there is (`created[gt]`). */
function encode(fields: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (Array.isArray(value)) for (const one of value) query.append(`${name}[]`, String(one));
    else if (typeof value === "object" && value !== null)
      for (const [bound, of] of Object.entries(value)) query.append(`${name}[${bound}]`, String(of));
    else if (value !== undefined) query.append(name, String(value));
  }
  return query.toString();
}

/** An address of the API's own, with an id in it. */
export const at = (...parts: readonly string[]) => `/v1/${parts.map(encodeURIComponent).join("/")}`;

/** What an answer holds, if it is what was asked for. */
export function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const { data } = schema.safeParse(body);
  if (data === undefined) throw platformErrors.unreadable();
  return data;
}

/** What the SDK throws for an answer that is an error. */
const Refusal = z.looseObject({
  statusCode: z.int(),
  code: z.string().optional(),
  headers: z.looseObject({ "retry-after": z.string().optional() }).optional(),
});

/** https://docs.stripe.com/api/errors : of its parts only this is needed, and others quote the request. */
const Problem = z.object({ error: z.object({ code: z.string().optional() }) });

/**
 * Takes a redirect for a failure, because the key would go along; and one limit of time for the whole answer. The SDK
 * repeats a request whose connection was closed, whatever it is told about retries, unless the error does not say so;
 * and it prints what comes as `Stripe-Notice` (`RequestSender.ts`: https://github.com/stripe/stripe-node).
 */
const fetchHere: typeof fetch = async (input, init) => {
  const signal = AbortSignal.timeout(API_PATIENCE);
  const response = await fetch(input, { ...init, signal, redirect: "manual" }).catch(() => undefined);
  if (response === undefined) throw new Error("no answer");
  const { ok, status } = response;
  const wait = response.headers.get("retry-after");
  const headers = new Headers(wait === null ? {} : { "retry-after": wait });
  if (ok) return new Response(response.body, { status, headers });
  // Somebody who stands between may answer with a page: the status counts.
  const problem = Problem.safeParse(await response.json().catch(() => undefined)).data;
  return Response.json({ error: { type: "api_error", ...problem?.error } }, { status, headers });
};
