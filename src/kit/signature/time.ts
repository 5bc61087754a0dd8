import type { Refusal } from "./scheme.ts";

/** How a platform writes the time at which it signed: epoch seconds or milliseconds, RFC 9110 §5.6.7, ISO 8601 with a zone. */
export type TimeFormat = "seconds" | "milliseconds" | "http-date" | "iso";

/** Milliseconds since the epoch, or undefined unless the text is exactly a time of this format. */
export function readTime(text: string, format: TimeFormat): number | undefined {
  switch (format) {
    case "seconds":
      return /^[1-9]\d{0,11}$/.test(text) ? Number(text) * 1000 : undefined;
    case "milliseconds":
      return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
    case "http-date": {
      const time = Date.parse(text);
      // RFC 1123 as mail writes it has other names for the same zone.
      const plain = text.replace(/ (?:UTC|[+-]0000)$/, " GMT");
      return Number.isFinite(time) && new Date(time).toUTCString() === plain ? time : undefined;
    }
    case "iso":
      return ISO_8601.test(text) ? finite(Date.parse(text)) : undefined;
  }
}

const ISO_8601 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;
const finite = (time: number) => (Number.isFinite(time) ? time : undefined);

/** The time as a platform would write it; to the second, except in milliseconds. */
export function writeTime(now: number, format: TimeFormat): string {
  switch (format) {
    case "seconds":
      return String(Math.floor(now / 1000));
    case "milliseconds":
      return String(Math.floor(now));
    case "http-date":
      return new Date(now).toUTCString();
    case "iso":
      return new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  }
}

/** Why a time is too far from now, either way; undefined if it is not. Times in milliseconds, `tolerance` in seconds. */
export function offTime(time: number, now: number, tolerance: number): Refusal | undefined {
  if (now - time > tolerance * 1000) return "timestamp_too_old";
  return time - now > tolerance * 1000 ? "timestamp_in_future" : undefined;
}

/** Throws unless the tolerance is one: zero, NaN or Infinity would switch the check off, as in some platforms' SDKs. */
export function checkTolerance(seconds: number): void {
  if (!(seconds > 0 && Number.isFinite(seconds)))
    throw new TypeError("a signature scheme's tolerance must be a positive number of seconds");
}
