import type { z } from "zod";

/**
 * Where a value did not fit its schema, and what was expected there: `"data.object.email" (invalid_type, expected string)`.
 * Only keys that the schema declares are named; those of records are data, and may be anybody's name.
 */
export function whereOf(schema: z.core.$ZodType, error: z.core.$ZodError): string {
  const [issue] = error.issues;
  const path = declaredKeys(schema, issue?.path ?? []).join(".") || "the top level";
  return `"${path}" (${issue?.code ?? "invalid"}${issue?.code === "invalid_type" ? `, expected ${issue.expected}` : ""})`;
}

function declaredKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const keys: string[] = [];
  let at: z.core.$ZodType | undefined = schema;
  for (const key of path) {
    const { def } = unwrapped(at);
    if (def?.type === "object" && Object.hasOwn(def.shape, key)) {
      keys.push(String(key));
      at = def.shape[String(key)];
    } else if (def?.type === "array") {
      keys.push("[]");
      at = def.element;
    } else {
      keys.push("*");
      at = undefined;
    }
  }
  return keys;
}

/** The schema below what only says that it may be missing, or what is made of it. */
function unwrapped(schema: z.core.$ZodType | undefined): {
  def: z.core.$ZodTypes["_zod"]["def"] | undefined;
} {
  const def = (schema as z.core.$ZodTypes | undefined)?._zod.def;
  if (def === undefined) return { def };
  if ("innerType" in def) return unwrapped(def.innerType);
  if (def.type === "pipe") return unwrapped(def.in);
  return { def };
}
