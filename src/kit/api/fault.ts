import { LetheError } from "#schemas";
import { platformErrors } from "./errors.ts";

/** Milliseconds in which a platform's answer must be there, whole. */
export const API_PATIENCE = 10_000;

/**
 * The error that a platform's answer stands for: one that may pass (408, 429, 5xx, no answer at all), which is tried
 * again, after `Retry-After` where it says so; or one that will not (401, 403, other 4xx). Nothing of the answer is in it.
 */
export function platformFault(status: number | undefined, retryAfter?: string | null): LetheError {
  const wait = patience(retryAfter ?? null);
  if (status === undefined) return platformErrors.unavailable();
  if (status === 429) return platformErrors.rateLimited(wait);
  if (status >= 500 || status === 408) return platformErrors.unavailable(status, wait);
  if (status === 401 || status === 403) return platformErrors.unauthorised(status);
  return platformErrors.refused(status);
}

/**
 * The same of whatever an SDK throws: its own texts can quote the request. `about` finds the status and `Retry-After`
 * in the SDK's error; an error without a status is taken for no answer (a timeout, a connection that broke).
 */
export function sdkFault(
  error: unknown,
  about: (error: unknown) => { status: number | undefined; retryAfter?: string | null | undefined },
): LetheError {
  if (error instanceof LetheError) return error;
  const { status, retryAfter } = about(error);
  return platformFault(status, retryAfter);
}

/** The error of credentials that lack what a call needs. Takes the field's name and never its value. */
export function missingCredentials(field: string): LetheError {
  return platformErrors.noCredentials(/^\w+$/.test(field) ? field : "field");
}

/** Milliseconds that a platform may have us wait: not so short that all tries are spent at once, nor for ever. */
const PATIENCE_LIMITS = { least: 1_000, most: 3_600_000 };

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now; anything else counts as not there. */
function patience(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header.trim());
  const at = seconds
    ? Number(header) * 1_000
    : /[A-Za-z]{3}/.test(header)
      ? Date.parse(header) - Date.now()
      : NaN;
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at, PATIENCE_LIMITS.least), PATIENCE_LIMITS.most);
}
