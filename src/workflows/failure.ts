import { LetheError } from "#schemas";

/**
 * What a run failed of. Scrubbed errors are `<code>: <message>`; what a workflow server says of itself is not, and is withheld,
 * because nobody has looked at it.
 */
export function failureOf({ message }: { readonly message: string }): { code: string; message: string } {
  const [, code, text] = /^([a-z]+\/[A-Za-z0-9_-]{1,60}): (.*)$/s.exec(message) ?? [];
  return code === undefined || text === undefined
    ? { code: "internal/unexpected", message: "the workflow server ended the run; see its own log" }
    : { code, message: text };
}

/** Nothing that trying again mends: somebody has to give the connection some, or more. */
export const lacksCredentials = (error: unknown): boolean =>
  error instanceof LetheError && /^(intake|platform)\/no-credentials$/.test(error.code);
