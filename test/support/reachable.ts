import type { Processing } from "./processing.ts";

/** A row of any table, with every value in it by which it could be tied to another. */
export interface ReachedRow {
  readonly table: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly values: ReadonlySet<string>;
}

/**
 * Rows that somebody gets to who starts with these values and has the whole database: those that hold one of them in any
 * column, then those that hold any value of these rows, and so on. Values are hashes and ids; those of controllers
 * and connections, which everybody's rows have, lead nowhere.
 */
export async function reachable(hub: Processing, start: Iterable<string>): Promise<ReachedRow[]> {
  const rows = await everyRow(hub);
  const byValue = new Map<string, ReachedRow[]>();
  for (const row of rows)
    for (const value of row.values) byValue.set(value, [...(byValue.get(value) ?? []), row]);
  const reached = new Set<ReachedRow>();
  const seen = new Set<string>();
  for (const wave = [...start]; wave.length > 0; ) {
    const value = wave.pop() ?? "";
    if (seen.has(value)) continue;
    seen.add(value);
    for (const row of byValue.get(value) ?? []) {
      reached.add(row);
      wave.push(...row.values);
    }
  }
  return [...reached];
}

/** How many of which table, for a comparison that can be read. */
export const tablesOf = (rows: readonly ReachedRow[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { table } of rows.toSorted((a, b) => a.table.localeCompare(b.table)))
    counts[table] = (counts[table] ?? 0) + 1;
  return counts;
};

/** Tables that say nothing of a person. */
const COMMON = new Set(["controller", "controller_key", "connection", "runtime_cron", "audit_log"]);

async function everyRow(hub: Processing): Promise<ReachedRow[]> {
  const tables = await hub.byHand<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'lethe'::regnamespace and relkind = 'r' order by 1",
  );
  const common = await hub.byHand<{ value: string }>(
    "select controller_id::text as value from controller union select id::text from connection union select substr(did, 11) from controller",
  );
  const nowhere = new Set(common.map(({ value }) => value));
  const rows: ReachedRow[] = [];
  for (const { name: table } of tables.filter(({ name }) => !COMMON.has(name)))
    for (const row of await hub.byHand<Record<string, unknown>>(`select * from ${table}`)) {
      for (const part of partsOf(table, row)) {
        const values = Object.entries(part).flatMap(([column, value]) => valuesIn(column, value));
        rows.push({ table, row, values: new Set(values.filter((value) => !nowhere.has(value))) });
      }
    }
  return rows;
}

/** That events were taken in one batch says when they came, and nothing else; a step's id is its name's hash. */
function partsOf(table: string, row: Record<string, unknown>): Record<string, unknown>[] {
  if (table === "runtime_step") return [{ ...row, id: null }];
  if (table !== "runtime_run" || !Array.isArray(row.events) || row.events.length === 1) return [row];
  return row.events.map((event: unknown) => ({ event }));
}

/** Hashes and ids within a value: hex, or a UUID, in lower case. */
function valuesIn(column: string, value: unknown): string[] {
  if (value instanceof Date) return [];
  if (value instanceof Uint8Array)
    return column === "entry" ? valuesIn("", Buffer.from(value).toString("utf8")) : [hexOf(value)];
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return (
    text.match(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,}/g)?.map(String) ??
    []
  );
}

export const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
