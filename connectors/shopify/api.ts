import type { Shopify } from "@shopify/shopify-api";
import { API_PATIENCE, missingCredentials, platformErrors, sdkFault, z } from "#kit";
import type { Credentials } from "./credentials.ts";
import { tokenOf } from "./token.ts";

/** One operation of the Admin API; resolves to its `data`. Throws `platform/*`. */
export type Ask = (operation: string, variables: object) => Promise<unknown>;

/** The Admin API of a shop, through Shopify's SDK. `account`: the shop whose webhooks the connection takes. */
export async function openAdmin(credentials: Credentials, account: string | null): Promise<Ask> {
  const [{ ApiVersion, LogSeverity, Session, shopifyApi }, { setAbstractFetchFunc }] = await Promise.all([
    import("@shopify/shopify-api"),
    import("@shopify/shopify-api/runtime"),
    import("@shopify/shopify-api/adapters/web-api"),
  ]);
  // The SDK knows one fetch for the whole process. Ours holds nothing of a connection, so that to set it again is harmless.
  setAbstractFetchFunc(fetchHere);
  const shopify = shopifyApi({
    // What the SDK wants of every app; where a token is there already, it has no use for them.
    ...{ apiKey: credentials.clientId ?? "not used", apiSecretKey: credentials.clientSecret ?? "not used" },
    // For logins and webhooks only.
    ...{ hostName: "not.used", isEmbeddedApp: false },
    apiVersion: ApiVersion.July26,
    logger: { level: LogSeverity.Error, httpRequests: false, log: () => undefined },
  });
  // Also keeps token and secret from any host that is not Shopify's.
  const shop = shopify.utils.sanitizeShop((credentials.shop ?? account ?? "").trim().toLowerCase());
  if (shop === null || (account !== null && account.toLowerCase() !== shop)) throw missingCredentials("shop");
  const tokens = tokensOf(shopify, shop, credentials);

  return async (operation, variables) => {
    // One for all of it: what a token takes is not there for the call.
    const signal = AbortSignal.timeout(API_PATIENCE);
    const call = async (accessToken: string) => {
      const session = new Session({ id: "", shop, state: "", isOnline: false, accessToken });
      const client = new shopify.clients.Graphql({ session });
      const { data } = await client.request(operation, { variables: { ...variables }, signal });
      return data;
    };
    try {
      const token = await inTime(signal, tokens());
      return await call(token).catch(async (error: unknown) => {
        if (about(error).status !== 401) throw error;
        // It was revoked, or the secret that it came for: once more with a fresh one.
        return call(await inTime(signal, tokens(token)));
      });
    } catch (error) {
      throw sdkFault(error, about);
    }
  };
}

/** A token to call with, and another than `refused`. Throws `platform/unauthorised` where there is none. */
type Tokens = (refused?: string) => Promise<string>;

/**
 * The token that the credentials hold, or those that an app gets for itself:
 * https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant
 */
function tokensOf(shopify: Shopify, shop: string, credentials: Credentials): Tokens {
  const { accessToken, clientId, clientSecret } = credentials;
  if (accessToken !== undefined)
    return async (refused) => {
      if (refused !== undefined) throw platformErrors.unauthorised(401);
      return accessToken;
    };
  if (clientId === undefined) throw missingCredentials("clientId");
  if (clientSecret === undefined) throw missingCredentials("clientSecret");

  const issue = async () => {
    try {
      const { session } = await shopify.auth.clientCredentials({ shop });
      const { accessToken: value, expires } = session;
      if (!value) throw platformErrors.unreadable();
      return { value, ends: expires?.getTime() ?? Number.POSITIVE_INFINITY };
    } catch (error) {
      // A wrong secret, an app that is not there or not allowed to: OAuth says 400 as well as 401 (RFC 6749 §5.2).
      if (about(error).status === 400) throw platformErrors.unauthorised(400);
      throw sdkFault(error, about);
    }
  };
  return (refused) => tokenOf({ shop, clientId, clientSecret }, issue, refused);
}

/** A token may be on its way for another call, too, and goes on being so when this one has no more time for it. */
function inTime<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  const late = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  return Promise.race([promise, late]);
}

/**
 * A redirect would be followed with the access token, which is in a header of Shopify's own, or with the secret. And
 * OAuth's refusals come as pages, which the SDK takes for JSON before it looks at the status: it gets the status alone.
 */
const fetchHere: typeof fetch = async (input, init) => {
  const signal = init?.signal ?? AbortSignal.timeout(API_PATIENCE);
  const response = await fetch(input, { ...init, signal, redirect: "manual" });
  if (response.ok) return response;
  await response.body?.cancel();
  const { status, headers } = response;
  return Response.json({}, { status, headers });
};

/** What the SDK throws for an answer that is not a 2xx. Header names as it writes them. */
const Refusal = z.object({
  response: z.object({
    code: z.int(),
    headers: z.looseObject({ "Retry-After": z.array(z.string()).optional() }),
  }),
});

/** What it throws for a 200 that holds errors, with the whole of it. */
const Errors = z.object({
  body: z.object({
    errors: z.object({
      graphQLErrors: z
        .array(z.looseObject({ extensions: z.looseObject({ code: z.string().optional() }).optional() }))
        .min(1),
    }),
    extensions: z
      .object({
        cost: z.object({
          requestedQueryCost: z.number(),
          throttleStatus: z.object({ currentlyAvailable: z.number(), restoreRate: z.number().positive() }),
        }),
      })
      .optional()
      .catch(undefined),
  }),
});

/** https://shopify.dev/docs/api/admin-graphql#status_and_error_codes : failures come as 200, with a code. */
const STATUS: Readonly<Record<string, number>> = {
  THROTTLED: 429,
  ACCESS_DENIED: 403,
  SHOP_INACTIVE: 403,
  INTERNAL_SERVER_ERROR: 500,
};

function about(error: unknown): { status: number | undefined; retryAfter?: string | undefined } {
  const errors = Errors.safeParse(error).data?.body;
  if (errors !== undefined) {
    const codes = errors.errors.graphQLErrors.map(({ extensions }) => STATUS[extensions?.code ?? ""] ?? 400);
    const status = Math.max(...codes);
    return { status, retryAfter: status === 429 ? refill(errors.extensions?.cost) : undefined };
  }
  const refusal = Refusal.safeParse(error).data?.response;
  // A 200 that is no error and still not what was asked for is an answer that broke off, or a page of whoever stands between.
  if (refusal === undefined || refusal.code === 200) return { status: undefined };
  const wait = refusal.headers["Retry-After"]?.[0];
  // Shopify writes `2.0`, which RFC 9110 does not know.
  return { status: refusal.code, retryAfter: wait?.replace(/^(\d+)\.\d+$/, "$1") };
}

type Cost = NonNullable<z.output<typeof Errors>["body"]["extensions"]>["cost"];

/** Seconds until the bucket holds what was asked for (https://shopify.dev/docs/api/usage/limits). */
function refill(cost: Cost | undefined): string | undefined {
  if (cost === undefined) return undefined;
  const { currentlyAvailable, restoreRate } = cost.throttleStatus;
  return String(Math.max(0, Math.ceil((cost.requestedQueryCost - currentlyAvailable) / restoreRate)));
}
