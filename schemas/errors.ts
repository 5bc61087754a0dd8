import { z } from "zod";

const BRAND = Symbol.for("lethe.error");

/**
 * An error whose text is safe to store, log and show: a stable code, what happened, what to do next.
 * Never put anything from a payload in the message. `retry` decides whether a durable step tries again.
 */
export class LetheError extends Error {
  /** Known by its brand: a connector may have got its kit, and with it this class, from another copy of Lethe. */
  static override [Symbol.hasInstance](value: unknown): value is LetheError {
    return value instanceof Error && BRAND in value;
  }

  readonly [BRAND] = true;
  readonly code: string;
  readonly retry: boolean;
  /** HTTP status when the error reaches a client. */
  readonly status: number;
  /** Milliseconds after which to try again, where whoever refused said so. */
  readonly retryAfter: number | undefined;

  constructor(
    code: `${string}/${string}`,
    message: string,
    options: { retry?: boolean; status?: number; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "LetheError";
    this.code = code;
    this.retry = options.retry ?? false;
    this.status = options.status ?? 500;
    this.retryAfter = options.retryAfter;
  }
}

/** What may leave a step or be logged of any error: code and text from the catalogue, and for others where in the code. */
export type ErrorDescription = {
  readonly code: string;
  readonly message: string;
  readonly retry: boolean;
  /** `TypeError at src/…:12:3`: the place in Lethe's own code, for whoever mends it. */
  readonly where?: string;
};

/** Describes an error with nothing from outside of the catalogue and the code: an error's own text can quote what it choked on. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof LetheError) return { code: error.code, message: error.message, retry: error.retry };
  const where = placeOf(error);
  return {
    code: systemCode(error),
    message: "unexpected error; its text is withheld because it could hold personal data",
    retry: true,
    ...(where === undefined ? {} : { where }),
  };
}

/** The first frame of the stack within the project, without the message that a stack begins with. */
function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const own = (error.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !/node_modules\/(?!lethe\/dist\/)/.test(line));
  const [place] = own.flatMap(
    (line) => /\/((?:src|connectors|schemas)\/[\w./-]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? [],
  );
  const name = /^[A-Z]\w*Error$/.test(error.constructor.name) ? error.constructor.name : "Error";
  return place === undefined ? undefined : `${name} at ${place}`;
}

/** Node and PostgreSQL error codes (`ECONNREFUSED`, `23505`) are enumerated, so they may be shown. */
function systemCode(error: unknown): string {
  if (!(error instanceof Error)) return "internal/unexpected";
  const code = "code" in error ? String(error.code) : "";
  if (/^[0-9A-Z]{5}$/.test(code)) return `postgres/${code}`;
  if (/^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return `system/${code}`;
  return systemCode(error.cause);
}

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
  })
  .describe("RFC 9457 problem details, as every HTTP error answers.");
export type Problem = z.infer<typeof Problem>;
