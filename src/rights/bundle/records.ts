import type { CollectedSet } from "#kit";
import { bundleErrors } from "./errors.ts";

/** Rows of one record, `address › city` and what is there. */
export type Row = readonly [path: string, text: string];

/** How much of a record is shown. The files for machines have all of it. */
const LIMITS = { rows: 500, depth: 12, text: 10_000 };

/**
 * A set's JSON text, checked to be an array, as it came: JavaScript's numbers would round ids beyond 2^53.
 * Throws `bundle/malformed`, which names the platform.
 */
export function recordsText(platform: string, { records }: CollectedSet): string {
  const text = records.reveal();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw bundleErrors.malformed(platform);
  }
  if (!Array.isArray(parsed)) throw bundleErrors.malformed(platform);
  return text;
}

/** The first records of {@link recordsText}, for people to read. Numbers are as the platform wrote them. */
export function readableRecords(text: string, limit: number): Row[][] {
  return firstElements(text, limit).map((element) =>
    rowsOf(JSON.parse(element, asWritten)).slice(0, LIMITS.rows),
  );
}

/** The first elements of an array that is known to be one, as they stand there: to see to numbers takes ten times as long as to parse, and most records are not shown. */
function firstElements(text: string, limit: number): string[] {
  const found: string[] = [];
  let depth = 0;
  let within = false;
  let start = text.indexOf("[") + 1;
  for (const { 0: token, index } of text.matchAll(/\\.|["[\]{},]/g)) {
    if (token === '"') within = !within;
    // In a string brackets and commas mean nothing.
    if (within) continue;
    if (token === "[" || token === "{") depth += 1;
    if (token === "]" || token === "}") depth -= 1;
    const ends = (token === "," && depth === 1) || depth === 0;
    if (!ends) continue;
    const element = text.slice(start, index).trim();
    if (element !== "") found.push(element);
    if (depth === 0 || found.length === limit) break;
    start = index + 1;
  }
  return found;
}

/** `context.source` is what stood there: https://tc39.es/ecma262/#sec-json.parse, in the Node.js that the hub runs on. */
function asWritten(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? (context?.source ?? String(value)) : value;
}

function rowsOf(value: unknown, path = "", depth = 0): Row[] {
  if (value === null || value === undefined || value === "") return [[path, "–"]];
  if (typeof value !== "object") return [[path, shortened(String(value))]];
  if (depth >= LIMITS.depth) return [[path, "… (in the file for machines)"]];
  if (Array.isArray(value)) {
    if (value.length === 0) return [[path, "–"]];
    if (value.every((item) => typeof item !== "object")) return [[path, shortened(value.join(", "))]];
    return value
      .slice(0, LIMITS.rows)
      .flatMap((item: unknown, index) => rowsOf(item, `${path} ${index + 1}`.trim(), depth + 1));
  }
  const fields = Object.entries(value);
  if (fields.length === 0) return [[path, "–"]];
  return fields
    .slice(0, LIMITS.rows)
    .flatMap(([name, field]) => rowsOf(field, path === "" ? name : `${path} › ${name}`, depth + 1));
}

function shortened(text: string): string {
  return text.length <= LIMITS.text ? text : `${text.slice(0, LIMITS.text)} … (in the file for machines)`;
}
