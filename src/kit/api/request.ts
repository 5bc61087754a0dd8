import { parseBody } from "../payload.ts";
import { platformErrors } from "./errors.ts";

/** Milliseconds in which an answer must be there, whole. */
const PATIENCE = 10_000;
const MAX_ANSWER = 2 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  /** Of a 2xx with JSON; undefined otherwise. */
  readonly body: unknown;
}

/**
 * One request to a platform's API, with limits on time and size; redirects are not followed, because they would
 * carry credentials elsewhere. Throws `platform/unavailable` or `platform/rate-limited`, which may pass.
 */
export async function request(url: string | URL, init: RequestInit): Promise<Answer> {
  let response: Response;
  let bytes: Uint8Array | undefined;
  try {
    response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(PATIENCE) });
    bytes = response.ok ? await readAtMost(response, MAX_ANSWER) : undefined;
    if (!response.ok) await response.body?.cancel();
  } catch {
    throw platformErrors.unavailable(); // the cause could quote the URL
  }
  const { status } = response;
  const retryAfter = patience(response.headers.get("retry-after"));
  if (status === 429) throw platformErrors.rateLimited(retryAfter);
  if (status >= 500 || status === 408) throw platformErrors.unavailable(status, retryAfter);
  if (!response.ok) return { status, body: undefined };
  if (bytes === undefined) throw platformErrors.tooLarge(MAX_ANSWER);
  return { status, body: readJson(bytes) };
}

/** The body's bytes; undefined when there are too many. */
async function readAtMost(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return parseBody("json", bytes);
  } catch {
    throw platformErrors.unreadable();
  }
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
