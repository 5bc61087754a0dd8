import { type ControllerKeys, keyedHash } from "#vault";
import type { ExpressedChoice } from "./choose.ts";
import type { SignalChoice } from "./signals/choice.ts";

const DAY = 86_400_000;

/**
 * A signal's choice as one of the person's. Of a signal that tells only the day, a refusal counts from the end of the day
 * and a grant from its beginning: in doubt, nobody consented. `now` in milliseconds.
 */
export function expressedBy(signal: SignalChoice, now: number): ExpressedChoice {
  const { purpose, state, method, jurisdiction, evidence, occurredAt, precision } = signal;
  const said = occurredAt === undefined ? now : Date.parse(occurredAt);
  const at = precision === "day" && state !== "granted" ? said + DAY - 1 : said;
  return {
    ...{ purpose, state, method, jurisdiction, evidence },
    occurredAt: new Date(Math.min(at, now)).toISOString(),
  };
}

/**
 * The secret by which a controller's own site vouches for whom a browser's signal is about: it signs tokens with it.
 * It follows from the controller's key, so that there is nothing to store.
 */
export function browserSecret(keys: ControllerKeys): string {
  return Buffer.from(keyedHash(keys.version("mac", 1).key, "browser-tokens")).toString("base64url");
}
