import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FOLDER, jsonSchemas } from "./generate.ts";

const generated = jsonSchemas();

describe("schemas/json, which `npm run schemas` writes,", () => {
  test("has a file for every record, and no other", () => {
    expect(readdirSync(FOLDER).sort()).toEqual([...generated.keys()].sort());
  });

  test.each([...generated])("%s is what the code says", (name, text) => {
    expect(readFileSync(`${FOLDER}/${name}`, "utf8")).toBe(text);
  });

  test.each([...generated])("%s says what the record is", (name, text) => {
    expect(JSON.parse(text)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: `urn:lethe:schema:${name.replace(".schema.json", "")}`,
      title: expect.any(String),
      description: expect.any(String),
    });
  });
});
