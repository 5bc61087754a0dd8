import type { TestRooms } from "./rooms.ts";

/** Every row of every table as text, bytes in hex: what somebody would see who reads the database. */
export async function dumpOf({ sql }: TestRooms): Promise<string> {
  const tables = await sql<
    { name: string }[]
  >`select table_name as name from information_schema.tables where table_schema = 'lethe'`;
  const rows = [];
  for (const { name } of tables)
    rows.push(...(await sql.unsafe(`select row_to_json(t)::text as row from lethe."${name}" t`)));
  return rows.map(({ row }) => row as string).join("\n");
}
