import { createHmac, randomBytes } from "node:crypto";

export interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly ends: number;
}

/** What a token is of. */
export interface Grant {
  readonly shop: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

interface Held {
  token?: Token | undefined;
  coming?: Promise<Token> | undefined;
}

/** Milliseconds before its end in which a token is not used any more, as in Shopify's own example. */
const MARGIN = 60_000;

/**
 * In memory only: a token is as good as the secret that it came for, and a new one costs a request. Kept for the process,
 * because a connection is opened anew for every push; by all that it is of, so that none serves another connection.
 */
const tokens = new Map<string, Held>();
const pepper = randomBytes(32);

/**
 * The token to call with: the one that is there until a minute before it ends, otherwise one that `issue` gets, once for
 * all calls that run side by side. `refused` is not given out again. A failure is not remembered: it may pass.
 */
export async function tokenOf(grant: Grant, issue: () => Promise<Token>, refused?: string): Promise<string> {
  const held = heldFor(grant);
  if (held.token !== undefined && held.token.value !== refused && isGood(held.token)) return held.token.value;
  held.token = undefined;
  held.coming ??= issue()
    .then((token) => {
      held.token = token;
      return token;
    })
    .finally(() => {
      held.coming = undefined;
    });
  return (await held.coming).value;
}

const isGood = ({ ends }: Token) => Date.now() < ends - MARGIN;

function heldFor({ shop, clientId, clientSecret }: Grant): Held {
  // Keyed with what nobody has, so that a key says nothing of the secret wherever it should turn up.
  const key = createHmac("sha256", pepper)
    .update(JSON.stringify([shop, clientId, clientSecret]))
    .digest("base64");
  const known = tokens.get(key);
  if (known !== undefined) return known;
  // What ended and was not asked for again may be of a connection that is gone.
  for (const [old, { token, coming }] of tokens)
    if (coming === undefined && (token === undefined || !isGood(token))) tokens.delete(old);
  const held: Held = {};
  tokens.set(key, held);
  return held;
}
