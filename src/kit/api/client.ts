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

/** A platform's API, as far as people's rights need it. */
export interface WritableApi extends PlatformApi {
  /**
   * Sends a request with a JSON body to a path of the API. Resolves to the answer as `get` reads it, null if it is empty
   * (always, of DELETE), and undefined when there is nothing to act on (404, 410). It is sent once, except where a 401
   * shows that nothing was done and there is a fresh token to send it with. Throws as `get` does.
   */
  send(method: "POST" | "PUT" | "PATCH" | "DELETE", address: string, body?: unknown): Promise<unknown>;
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
export function openApi(declaration: ApiDeclaration, store: CredentialStore): WritableApi {
  const { auth, base } = declaration;
  let held: Promise<unknown> | undefined;
  let renewing: Promise<unknown> | undefined;
  /** A fresh token was refused, too: another one will be. */
  let hopeless = false;

  return {
    async get(address) {
      const body = bodyOf(await ask(address, {}));
      if (body === null) throw platformErrors.unreadable();
      return body;
    },
    async send(method, address, body) {
      const json = body === undefined ? {} : { body: JSON.stringify(body) };
      return bodyOf(await ask(address, { method, ...json }));
    },
  };

  async function ask(address: string, init: Sent): Promise<Answer> {
    held ??= store.current();
    const url = ownAddress(address, base((await held) as never));
    const used = await usable(held);
    const answer = await call(url, init, used);
    if (answer.status !== 401 || auth.renew === undefined || hopeless) return answer;
    // Revoked, or expired before its time: once more with a fresh one.
    const again = await call(url, init, await renewed(used));
    hopeless ||= again.status === 401;
    return again;
  }

  function call(url: URL, init: Sent, credentials: unknown): Promise<Answer> {
    const authorization = auth.header(credentials, Date.now());
    if (authorization === undefined) throw platformErrors.unauthorised(401);
    const type = init.body === undefined ? {} : { "content-type": "application/json" };
    return request(url, { ...init, headers: { accept: "application/json", authorization, ...type } });
  }

  async function usable(credentials: Promise<unknown>): Promise<unknown> {
    const given = await credentials;
    return auth.header(given, Date.now()) === undefined ? renewed(given) : given;
  }

  /** Once for all calls that run side by side. A failure is not remembered: it may pass. */
  function renewed(stale: unknown): Promise<unknown> {
    const { renew } = auth;
    if (renew === undefined) throw platformErrors.unauthorised(401);
    renewing ??= store
      .renew(stale, (credentials) => renew(credentials, Date.now()))
      .then((fresh) => {
        held = Promise.resolve(fresh);
        return fresh;
      })
      .finally(() => {
        renewing = undefined;
      });
    return renewing;
  }
}

interface Sent {
  readonly method?: string;
  readonly body?: string;
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
