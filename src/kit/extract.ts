import type { WebhookRequest } from "./request.ts";

/**
 * What an extractor may look at: headers, and the body once it is verified (undefined when it cannot be read).
 * `event` is the whole body, or one event of a request that carries several; those have no headers of their own.
 */
export interface Envelope {
  readonly request: Pick<WebhookRequest, "header">;
  readonly body: unknown;
  readonly event: unknown;
}

/** Finds one fact about a request or an event. Undefined when it is not there. */
export type Extractor = (envelope: Envelope) => string | undefined;

/** A header's value. Empty counts as missing. */
export function header(name: string): Extractor {
  return ({ request }) => request.header(name) || undefined;
}

/** A field of the event by its path, e.g. `data.list_id`. Numbers and booleans are given as text. */
export function field(path: string): Extractor {
  const keys = path.split(".");
  return ({ event }) => textAt(event, keys);
}

/** A field of the whole body, where a request carries several events. */
export function bodyField(path: string): Extractor {
  const keys = path.split(".");
  return ({ body }) => textAt(body, keys);
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

/** Several joined to one text, e.g. `customer` and `updated`; undefined unless all are there. */
export function joined(separator: string, ...extractors: Extractor[]): Extractor {
  return (envelope) => {
    const parts = extractors.map((extract) => extract(envelope));
    return parts.includes(undefined) ? undefined : parts.join(separator);
  };
}

function textAt(root: unknown, keys: readonly string[]): string | undefined {
  const value = valueAt(root, keys);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Own properties only: a payload's `__proto__` leads nowhere. */
export function valueAt(root: unknown, keys: readonly string[]): unknown {
  let value = root;
  for (const key of keys) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
