import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import * as schemas from "./index.ts";

/** Where the JSON Schemas lie. Everything in it is generated. */
export const FOLDER = fileURLToPath(new URL("./json", import.meta.url));

/** The JSON Schema (draft 2020-12) of every record that crosses a boundary, as text by file name. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries<unknown>(schemas).flatMap(([title, value]) =>
      isRecord(value) ? [file(kebab(title), title, value)] : [],
    ),
    ...Object.entries(schemas.events).map(([title, schema]) =>
      file(`event-${title.replace("/", "-")}`, title, schema),
    ),
  ]);
}

/** Ids and vocabularies are no records of their own: they stand in those that use them. */
function isRecord(value: unknown): value is z.ZodObject | z.ZodDiscriminatedUnion {
  return value instanceof z.ZodObject || value instanceof z.ZodDiscriminatedUnion;
}

function file(name: string, title: string, schema: z.ZodType): [string, string] {
  // As input, a record that is not strict may have further properties: a later version may add one.
  const { $schema, description, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" });
  const json = { $schema, $id: `urn:lethe:schema:${name}`, title, description, ...rest };
  return [`${name}.schema.json`, `${JSON.stringify(json, null, 2)}\n`];
}

function kebab(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

if (import.meta.main) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [name, text] of jsonSchemas()) writeFileSync(`${FOLDER}/${name}`, text);
}
