import type { WebhookRequest } from "./request.ts";

/** What an extractor may look at: headers, and the body once it is verified (undefined when it cannot be read). */
export interface Envelope {
  readonly request: WebhookRequest;
  readonly body: unknown;
}

/** Finds one fact about a request. Undefined when it is not there. */
export type Extractor = (envelope: Envelope) => string | undefined;

/** A header's value. Empty counts as missing. */
export function header(name: string): Extractor {
  return ({ request }) => request.header(name) || undefined;
}

/** A field of the body by its path, e.g. `data.list_id`. Numbers and booleans are given as text. */
export function field(path: string): Extractor {
  const keys = path.split(".");
  return ({ body }) => {
    let value: unknown = body;
    for (const key of keys) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
}

/** The first of several that finds something. */
export function firstOf(...extractors: Extractor[]): Extractor {
  return (envelope) => {
    for (const extract of extractors) {
      const found = extract(envelope);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
