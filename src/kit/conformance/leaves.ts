import { stringify } from "qs";
import { type BodyFormat, parseBody } from "../payload.ts";

/** A text or a number somewhere in a payload. */
export interface Leaf {
  /** Where it is, for people: `data.object.email`. */
  readonly path: string;
  readonly value: string | number;
  /** The whole payload again with something else in its place. */
  readonly replaced: (by: unknown) => unknown;
}

/** Every text and number of a value, also those in texts that are JSON themselves. */
export function leavesOf(value: unknown, path: readonly string[] = []): Leaf[] {
  if (typeof value === "string") {
    const embedded = embeddedIn(value);
    const inner = embedded === undefined ? [] : leavesOf(embedded, path);
    return [
      { path: path.join("."), value, replaced: (by) => by },
      ...inner.map((leaf) => ({ ...leaf, replaced: (by: unknown) => JSON.stringify(leaf.replaced(by)) })),
    ];
  }
  if (typeof value === "number") return [{ path: path.join("."), value, replaced: (by) => by }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    leavesOf(child, [...path, key]).map((leaf) => ({
      ...leaf,
      replaced: (by: unknown) =>
        Array.isArray(value)
          ? value.with(Number(key), leaf.replaced(by))
          : { ...value, [key]: leaf.replaced(by) },
    })),
  );
}

function embeddedIn(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A body as its door reads it; undefined if it cannot be read. */
export function readBody(format: BodyFormat, body: string): unknown {
  try {
    return parseBody(format, Buffer.from(body));
  } catch {
    return undefined;
  }
}

/** The body of a payload. */
export function writeBody(format: BodyFormat, payload: unknown): string {
  return format === "json"
    ? JSON.stringify(payload)
    : stringify(payload, { encodeValuesOnly: true, arrayFormat: "indices" });
}
