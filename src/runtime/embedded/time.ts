import { LetheError } from "#schemas";

const UNITS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** When an SDK duration ("300ms", "2h45m") or RFC 3339 time is over, in milliseconds since the epoch. */
export function endOf(text: string, now: number): number {
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return Date.parse(text);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new LetheError("runtime/unsupported-duration", `"${text}" is neither a duration nor a time`);
  return now + parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** Seconds before each retry, as the Inngest server waits (`pkg/backoff`), the last for all further ones. */
const BACKOFF = [15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200];
const JITTER = 30;

/** Milliseconds to wait before attempt `attempt + 1`; `scale` shrinks it so that tests need not wait. */
export function backoff(attempt: number, scale: number): number {
  const seconds = BACKOFF[Math.min(attempt, BACKOFF.length - 1)] ?? 0;
  return (seconds + Math.random() * JITTER) * 1_000 * scale;
}

/** A `Retry-After` header: seconds, or a date. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? endOf(header, now) - now : Math.max(0, at - now);
}
