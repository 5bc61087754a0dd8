import { hmac } from "#kit";
import type { Place } from "./plan.ts";

/** What is wrong with an answer, or with a flag; undefined if nothing is. */
export type Fault = (text: string) => string | undefined;

/** It goes into a heading and a text of code. */
export const titleFault: Fault = (text) => {
  if (text.trim() === "") return EMPTY;
  return /[\p{C}\p{Zl}\p{Zp}]|<!--/u.test(text) ? "it must be one line of plain text" : undefined;
};

/** It goes into a comment, too: what would end that is encoded (see {@link plainUrl}). */
export const docsFault: Fault = (text) =>
  text.trim() === ""
    ? EMPTY
    : plainUrl(text) === undefined
      ? "it must be an http:// or https:// URL"
      : undefined;

/** The URL as it may stand in a comment and in a Markdown link; undefined if it is none. */
export function plainUrl(text: string): string | undefined {
  const url = URL.parse(text.trim());
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return url.href.replace(/[*()`<>]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** It goes into a header, a key of an object, and a file's name. */
export const topicFault: Fault = (text) => {
  if (text.trim() === "") return EMPTY;
  if (!/^[\x21-\x7e]([\x20-\x7e]{0,98}[\x21-\x7e])?$/.test(text) || text.includes("<!--"))
    return "a topic has at most 100 plain characters, and no space around them";
  return text.toLowerCase() === "__proto__" ? RESERVED : undefined;
};

export const prefixFault: Fault = (text) =>
  /^([\x21-\x7e][\x20-\x7e]{0,29})?$/.test(text) ? undefined : "it has at most 30 plain characters";

/** In the words of the kit, which has the last one. */
export const templateFault: Fault = (text) => {
  const timestamp = { header: "x-time", format: "seconds" } as const;
  try {
    hmac({
      ...{ header: "x", algorithm: "sha256", encoding: "hex", signed: text },
      ...(text.includes("{timestamp}") ? { timestamp } : {}),
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "there is no such template";
  }
};

/** Of a signature, or of its time: some platforms sign in `Authorization`, and the time of `Date`. */
export function headerFault(taken?: string): Fault {
  return (text) => {
    const name = text.toLowerCase();
    if (!/^[a-z][a-z0-9_-]*$/.test(name)) return "a header's name has letters, digits and dashes";
    if (name === taken) return `${name} carries the signature already`;
    return isOfHttp(name) && !/^(authorization|date)$/.test(name) ? `${name} is HTTP's own` : undefined;
  };
}

/** `signed`: the headers that the signature uses. `others`: places that say something else. */
export function placeFault(
  place: Place,
  { signed, others, isId }: { signed: readonly string[]; others: readonly Place[]; isId: boolean },
): string | undefined {
  const { at } = place;
  if (place.in === "header") {
    if (isOfHttp(at)) return `the header ${at} is HTTP's own, and says nothing of a webhook`;
    // A message's id is signed along by those who follow Standard Webhooks, and made for this.
    if (signed.includes(at) && !(isId && at.endsWith("-id")))
      return `the header ${at} is the signature's own`;
  } else {
    const keys = at.split(".");
    if (keys.includes("__proto__")) return RESERVED;
    if (keys.length > 20) return "a field is at most 20 levels deep";
  }
  const other = others.find((one) => clash(one, place));
  return other === undefined
    ? undefined
    : `${other.in}:${other.at} and ${place.in}:${at} cannot both be there: each says something of its own`;
}

/** The same place, or one within the other. */
function clash(one: Place, other: Place): boolean {
  if (one.in !== other.in) return false;
  const within = (inner: string, outer: string) => inner.startsWith(`${outer}.`);
  return one.at === other.at || (one.in === "body" && (within(one.at, other.at) || within(other.at, one.at)));
}

/** Fields of HTTP (RFC 9110) and of proxies, which every client and server sets for itself. */
function isOfHttp(name: string): boolean {
  return /^(accept|authorization|connection|cookie|date|expect|forwarded|from|host|keep-alive|origin|pragma|range|referer|te|trailer|transfer-encoding|upgrade|user-agent|via|cache-control|(accept|content|if|proxy|sec|x-forwarded)-.*)$/.test(
    name,
  );
}

const EMPTY = "it cannot be empty";
const RESERVED = "that is a name of JavaScript's own";
