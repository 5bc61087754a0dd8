import type { ApiAuth } from "./auth.ts";
import { platformErrors } from "./errors.ts";
import { type Answer, request } from "./request.ts";

/** A platform's API, as far as webhooks need it. */
export interface PlatformApi {
  /**
   * GETs a path of the API, or a whole URL of it, as JSON (integers beyond 2^53 as text). Undefined when there is
   * nothing (404, 410). Throws `platform/*`: `platform/foreign-host` for an address that is not the API's.
   */
  get(address: string): Promise<unknown>;
}

/** Where a platform's API is, and how it is called. */
export interface ApiDeclaration {
  /** Its address, e.g. `https://api.example.com/v1/`. Nothing outside of this origin is ever called. */
  readonly base: (credentials: never) => string;
  readonly auth: ApiAuth;
}

/** A connection's credentials: sealed where they are kept, open only while a step needs them. */
export interface CredentialStore {
  current(): Promise<unknown>;
  /** Puts what `how` makes of the credentials in their place, unless somebody else replaced the stale ones meanwhile. */
  renew(stale: unknown, how: (credentials: unknown) => Promise<unknown>): Promise<unknown>;
}

/** The API of the platform, called with a connection's credentials. */
export function openApi(declaration: ApiDeclaration, store: CredentialStore): PlatformApi {
  const { auth, base } = declaration;

  return {
    async get(address) {
      const credentials = await store.current();
      const url = ownAddress(address, base(credentials as never));
      const { answer, used } = await call(url, credentials);
      if (answer.status !== 401) return bodyOf(answer);
      if (auth.renew === undefined) throw platformErrors.unauthorised(401);
      // Revoked or expired before its time: once more with a fresh one.
      return bodyOf((await call(url, await renew(used))).answer);
    },
  };

  async function call(url: URL, given: unknown): Promise<{ answer: Answer; used: unknown }> {
    let used = given;
    let authorization = auth.header(used, Date.now());
    if (authorization === undefined) {
      used = await renew(used);
      authorization = auth.header(used, Date.now());
    }
    const headers = { accept: "application/json", ...(authorization && { authorization }) };
    return { answer: await request(url, { headers }), used };
  }

  function renew(stale: unknown): Promise<unknown> {
    const { renew: how } = auth;
    if (how === undefined) throw platformErrors.unauthorised(401);
    return store.renew(stale, (credentials) => how(credentials, Date.now()));
  }
}

function bodyOf({ status, body }: Answer): unknown {
  if (status === 404 || status === 410) return undefined;
  if (status === 401 || status === 403) throw platformErrors.unauthorised(status);
  if (body === undefined) throw platformErrors.refused(status);
  return body;
}

/** A payload may say where to fetch from, but not whom to give the credentials to. */
function ownAddress(address: string, base: string): URL {
  const url = URL.parse(address, base);
  if (url === null || url.origin !== new URL(base).origin || url.username !== "" || url.password !== "")
    throw platformErrors.foreignHost();
  return url;
}
