import { API_PATIENCE, missingCredentials, sdkFault, z } from "#kit";

/** One operation of the Admin API; resolves to its `data`. Throws `platform/*`. */
export type Ask = (operation: string, variables: object) => Promise<unknown>;

export interface Credentials {
  readonly shop: string;
  readonly accessToken: string;
}

/** The Admin API of a shop, through Shopify's SDK. `account`: the shop whose webhooks the connection takes. */
export async function openAdmin({ shop, accessToken }: Credentials, account: string | null): Promise<Ask> {
  const [{ ApiVersion, LogSeverity, shopifyApi }, { setAbstractFetchFunc }] = await Promise.all([
    import("@shopify/shopify-api"),
    import("@shopify/shopify-api/runtime"),
    import("@shopify/shopify-api/adapters/web-api"),
  ]);
  // The SDK knows one fetch for the whole process. Ours holds nothing of a connection, so that to set it again is harmless.
  setAbstractFetchFunc(fetchHere);
  const shopify = shopifyApi({
    isCustomStoreApp: true,
    adminApiAccessToken: accessToken,
    // What the SDK wants of every app, and uses for logins and webhooks only.
    ...{ apiSecretKey: "not used", hostName: "not.used", isEmbeddedApp: false },
    apiVersion: ApiVersion.July26,
    logger: { level: LogSeverity.Error, httpRequests: false, log: () => undefined },
  });
  // Also keeps the token from any host that is not Shopify's.
  const domain = shopify.utils.sanitizeShop(shop.trim().toLowerCase());
  if (domain === null || (account !== null && account.toLowerCase() !== domain))
    throw missingCredentials("shop");
  const client = new shopify.clients.Graphql({ session: shopify.session.customAppSession(domain) });

  return async (operation, variables) => {
    try {
      const { data } = await client.request(operation, {
        variables: { ...variables },
        signal: AbortSignal.timeout(API_PATIENCE),
      });
      return data;
    } catch (error) {
      throw sdkFault(error, about);
    }
  };
}

/** A redirect would be followed with the access token, which is in a header of Shopify's own. */
const fetchHere: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "manual" });

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
