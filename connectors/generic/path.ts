import { type JSONPathQuery, jsonpath } from "json-p3";
import { z } from "#kit";

/** A JSONPath (RFC 9535), compiled: what is wrong with it is found when the connection is made. */
export interface Path {
  readonly text: string;
  readonly query: JSONPathQuery;
}

export const path = z.string().transform((text, context): Path => {
  try {
    return { text, query: jsonpath.compile(text) };
  } catch (error) {
    const fault = error instanceof Error ? `: ${error.message}` : "";
    context.addIssue({
      code: "custom",
      message: `"${text}" is not a JSONPath, such as $.contact.email${fault}`,
    });
    return z.NEVER;
  }
});

/** All texts and numbers that the path finds, as text. */
export function textsAt({ query }: Path, root: unknown): string[] {
  return valuesAt({ query }, root).flatMap((value) =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : [],
  );
}

export function valuesAt({ query }: Pick<Path, "query">, root: unknown): unknown[] {
  // JSONPath asks objects and lists; what else a body may be has nothing in it.
  return typeof root === "object" && root !== null ? query.query(root as never).values() : [];
}
