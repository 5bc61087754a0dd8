import { randomUUID } from "node:crypto";

/** An app of the Dev Dashboard, installed in a shop of the same organization. */
export interface ShopifyApp {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Seconds that its tokens last; a day unless said otherwise. */
  readonly lasts?: number;
}

const DAY = 86_399;

/**
 * The tokens of an app, as it gets them by the client credentials grant:
 * https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant
 */
export function simulateApp({ clientId, clientSecret, lasts = DAY }: ShopifyApp) {
  /** Token → its end, in milliseconds since the epoch. */
  const tokens = new Map<string, number>();
  let installed = true;

  return {
    accepts: (token: string | null) => Date.now() < (tokens.get(token ?? "") ?? 0),
    revoke: () => tokens.clear(),
    uninstall() {
      installed = false;
      tokens.clear();
    },
    grant(contentType: string | null, body: string): Response {
      const given: Record<string, unknown> = contentType?.startsWith("application/json")
        ? JSON.parse(body)
        : Object.fromEntries(new URLSearchParams(body));
      const { grant_type: type, client_id: id, client_secret: secret } = given;
      if (id !== clientId) return refused("application_cannot_be_found", `no application with api_key ${id}`);
      if (type !== "client_credentials" || secret !== clientSecret) return refused("invalid_request", body);
      if (!installed) return refused("app_not_installed", "The application is not installed on this shop.");
      const token = `shpat_t0ken_${randomUUID()}`;
      tokens.set(token, Date.now() + lasts * 1_000);
      return Response.json({ access_token: token, scope: "write_customers", expires_in: lasts });
    },
  };
}

/** A page, whatever `Accept` says: https://github.com/Shopify/cli/blob/main/packages/e2e/setup/admin-api.ts */
const refused = (error: string, text: string) =>
  new Response(
    `<!DOCTYPE html><html><head><title>400 - Oauth error ${error}</title></head><body>Oauth error ${error}: ${text}</body></html>`,
    { status: 400, headers: { "content-type": "text/html; charset=utf-8" } },
  );
