import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  ActivityPurpose,
  ConsentMethod,
  ConsentNature,
  ConsentPurpose,
  ConsentState,
  DataCategory,
  LawfulBasis,
  platformSchemes,
} from "#kit";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const code = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(", ");

/** Where it fails, what it expected is the table to paste. */
test("the README lists the words that a mapping can say", () => {
  const rows = [
    ["activity: `purpose`", ActivityPurpose],
    ["activity: `lawfulBasis`", LawfulBasis],
    ["activity: `dataCategories`", DataCategory],
    ["consent: `purpose`", ConsentPurpose],
    ["consent: `state`", ConsentState],
    ["consent: `method`", ConsentMethod],
    ["consent: `nature`", ConsentNature],
  ] as const;
  const table = [
    "| Where | Words |",
    "|---|---|",
    ...rows.map(([where, { options }]) => `| ${where} | ${code(options)} |`),
    `| \`signature\`: a platform's \`scheme\` | ${code(Object.keys(platformSchemes))} |`,
  ];
  const [, listed] = /<!-- words -->\n([\s\S]*?)\n?<!-- \/words -->/.exec(readme) ?? [];
  expect(listed).toBe(table.join("\n"));
});
