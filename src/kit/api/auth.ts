import { z } from "zod";
import { platformErrors } from "./errors.ts";
import { request } from "./request.ts";

/** How calls to a platform's API are authorised. */
export interface ApiAuth {
  /** The `Authorization` header; undefined when the credentials have to be renewed first. `now` in milliseconds. */
  header(credentials: unknown, now: number): string | undefined;
  /** Exchanges the credentials for fresh ones, which replace them. */
  readonly renew?: (credentials: unknown, now: number) => Promise<unknown>;
}

/** A token that does not expire, in the credentials' field of this name (RFC 6750). */
export function bearer(field: string): ApiAuth {
  const Credentials = z.looseObject({ [field]: z.string() });
  return { header: (credentials) => `Bearer ${Credentials.parse(credentials)[field]}` };
}

const OAuth = z.looseObject({
  clientId: z.string(),
  clientSecret: z.string(),
  refreshToken: z.string(),
  accessToken: z.string().optional(),
  /** Milliseconds since the epoch. */
  accessTokenExpires: z.number().optional(),
});

/** RFC 6749 §5.1. A platform may give a new refresh token with every access token (§6), and the old one stops working. */
const Granted = z.object({
  access_token: z.string(),
  expires_in: z.coerce.number().positive(),
  refresh_token: z.string().optional(),
});

/** Milliseconds before its end in which an access token is not used any more. */
const MARGIN = 60_000;

/** OAuth 2.0 with a refresh token (RFC 6749 §6), the client authenticated by HTTP Basic (§2.3.1). */
export function oauth2Refresh(options: { tokenUrl: string }): ApiAuth {
  return {
    header(given, now) {
      const { accessToken, accessTokenExpires = 0 } = OAuth.parse(given);
      return accessToken !== undefined && now < accessTokenExpires - MARGIN
        ? `Bearer ${accessToken}`
        : undefined;
    },
    async renew(given, now) {
      const credentials = OAuth.parse(given);
      const { clientId, clientSecret, refreshToken } = credentials;
      const client = [clientId, clientSecret].map(encodeURIComponent).join(":");
      const answer = await request(options.tokenUrl, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(client).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
      });
      const granted = Granted.safeParse(answer.body);
      if (answer.status !== 200 || !granted.success) throw platformErrors.notRenewed(answer.status);
      return {
        ...credentials,
        accessToken: granted.data.access_token,
        accessTokenExpires: now + granted.data.expires_in * 1_000,
        refreshToken: granted.data.refresh_token ?? refreshToken,
      };
    },
  };
}
