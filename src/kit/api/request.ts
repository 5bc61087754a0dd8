import { parseBody } from "../payload.ts";
import { platformErrors } from "./errors.ts";
import { API_PATIENCE, platformFault } from "./fault.ts";

const MAX_ANSWER = 2 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  /** Of a 2xx: its JSON, and null where it is empty or nobody asks for it (DELETE). Undefined otherwise. */
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
    response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(API_PATIENCE) });
    const wanted = response.ok && init.method !== "DELETE";
    bytes = wanted ? await readAtMost(response, MAX_ANSWER) : undefined;
    if (!wanted) await response.body?.cancel();
  } catch {
    throw platformErrors.unavailable(); // the cause could quote the URL
  }
  const { status } = response;
  if (status === 429 || status >= 500 || status === 408)
    throw platformFault(status, response.headers.get("retry-after"));
  if (!response.ok) return { status, body: undefined };
  if (init.method === "DELETE" || bytes?.length === 0) return { status, body: null };
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
