import { z } from "zod";

/**
 * An error whose text is safe to store, log and show: a stable code, what happened, what to do next.
 * Never put anything from a payload in the message. `retry` decides whether a durable step tries again.
 */
export class LetheError extends Error {
  readonly code: string;
  readonly retry: boolean;
  /** HTTP status when the error reaches a client. */
  readonly status: number;

  constructor(
    code: `${string}/${string}`,
    message: string,
    options: { retry?: boolean; status?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "LetheError";
    this.code = code;
    this.retry = options.retry ?? false;
    this.status = options.status ?? 500;
  }
}

/** The code and text of any error, with nothing from outside the catalogue: what may leave a step or be logged. */
export function describeError(error: unknown): { code: string; message: string; retry: boolean } {
  if (error instanceof LetheError)
    return { code: error.code, message: error.message, retry: error.retry };
  return {
    code: systemCode(error),
    message: "unexpected error; its text is withheld because it could hold personal data",
    retry: true,
  };
}

/** Node and PostgreSQL error codes (`ECONNREFUSED`, `23505`) are enumerated, so they may be shown. */
function systemCode(error: unknown): string {
  if (!(error instanceof Error)) return "internal/unexpected";
  const code = "code" in error ? String(error.code) : "";
  if (/^[0-9A-Z]{5}$/.test(code)) return `postgres/${code}`;
  if (/^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return `system/${code}`;
  return systemCode(error.cause);
}

/** RFC 9457 problem details, as every HTTP error answers. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
});
export type Problem = z.infer<typeof Problem>;
