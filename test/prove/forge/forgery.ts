import type { Genuine } from "./genuine.ts";
import type { Wire } from "./wire.ts";

/**
 * What must become of an attempt:
 * - `refused`: it says what the platform never signed. No 2xx on its connection, nothing in the inbox.
 * - `unstored`: it is no delivery, but may be answered as something else, as a handshake is. Nothing in the inbox.
 * - `repeated`: what the platform signed, unchanged in what counts, and already there: 200 and `duplicate`.
 * - `anew`: a repeat in which only what the platform leaves unsigned was changed, and by which it tells its own deliveries
 *   apart: accepted. By the platform's design nobody can tell that from a delivery of its own.
 * - `harmless`: what proxies and parsers disagree about: refused, or the duplicate that it is; never accepted.
 * - `safe`: whoever sent it had the secret: accepted, a duplicate, or refused; then it is settled, and nothing else suffers.
 * - `failing`: the same, but if it is accepted it must end as `failed`.
 */
export type Expected = "refused" | "unstored" | "repeated" | "anew" | "harmless" | "safe" | "failing";

export interface Forgery {
  /** Enumerated, so that it can be counted; no value of a request. */
  readonly kind: string;
  readonly expected: Expected;
  /** What is sent: a request, or bytes that are none. */
  readonly wire: Wire | Uint8Array;
}

/** Uniform in [0, 1). */
export type Chance = () => number;

/** Makes attempts of one family from a genuine request; by chance another one each time. */
export type Forge = (from: Genuine, chance: Chance) => Forgery[];

export function oneOf<T>(list: readonly T[], chance: Chance): T {
  const found = list[Math.floor(chance() * list.length)];
  if (found === undefined) throw new Error("nothing to choose from");
  return found;
}
