import { z } from "zod";
import { parseJson } from "./payload.ts";

/** A platform's id as text: digits stay digits, however many. */
export const platformId = z.union([z.string().min(1), z.int()]).transform(String);

/** Text that may be missing, null or blank. */
export const optionalText = z.string().nullish();

/** JSON within a string, as some platforms wrap it: read as a body is, with its limit on depth. */
export function embeddedJson<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text, context) => {
      try {
        return parseJson(text);
      } catch {
        context.addIssue({ code: "custom", message: "not JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);
}
