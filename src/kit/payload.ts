import { parse } from "qs";
import { payloadErrors } from "./errors.ts";

export type BodyFormat = "json" | "form";

/** Whether a `Content-Type` (RFC 9110 §8.3) is of the format. Some senders give none, and that is no contradiction. */
export function isOfFormat(format: BodyFormat, contentType: string | undefined): boolean {
  const [type = ""] = (contentType ?? "").split(";");
  const given = type.trim().toLowerCase();
  if (given === "") return true;
  return format === "json"
    ? /^(application|text)\/([\w.-]+\+)?json$/.test(given)
    : given === "application/x-www-form-urlencoded";
}

/** Levels of nesting a body may have. Platforms use fewer than ten. */
export const MAX_DEPTH = 64;
const MAX_FORM_FIELDS = 2_000;

/** Reads a body that was verified before. Throws `payload/unreadable` or `payload/too-deep`. */
export function parseBody(format: BodyFormat, body: Uint8Array): unknown {
  const text = decode(format, body);
  return format === "json" ? parseJson(text) : parseForm(text);
}

function decode(format: BodyFormat, body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw payloadErrors.unreadable(format);
  }
}

/**
 * JSON in which integers beyond 2^53 become strings of their own digits: Shopify's ids are larger than what
 * a JavaScript number holds. The slower reviver runs only if there is such a digit run at all.
 */
export function parseJson(text: string): unknown {
  if (deeperThan(text, MAX_DEPTH)) throw payloadErrors.tooDeep(MAX_DEPTH);
  try {
    return /\d{16}/.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch {
    throw payloadErrors.unreadable("json");
  }
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const exact = typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value);
  return exact ? value : (context?.source ?? value);
}

/** Counts brackets outside of strings, before any parser gets to recurse. */
function deeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x5b || char === 0x7b) {
      if (++depth > limit) return true;
    } else if (char === 0x5d || char === 0x7d) depth--;
  }
  return false;
}

/** `data[merges][EMAIL]=…`, as Mailchimp sends it. A "+" is a space; "%2B" is the plus of an address. */
function parseForm(text: string): unknown {
  try {
    return parse(text, {
      depth: 5,
      strictDepth: true,
      parameterLimit: MAX_FORM_FIELDS,
      throwOnLimitExceeded: true,
      duplicates: "first",
    });
  } catch (error) {
    throw error instanceof RangeError ? payloadErrors.tooDeep(5) : payloadErrors.unreadable("form");
  }
}
