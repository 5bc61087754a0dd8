import postgres from "postgres";
import { knownError } from "./errors.ts";

export type ConnectOptions = postgres.Options<Record<string, never>> & { readonly url?: string };

/** A client of the server; it connects when first used. */
export function openClient(
  { url, ...server }: ConnectOptions,
  settings: postgres.Options<Record<string, never>>,
): postgres.Sql {
  const options = { ...server, onnotice: () => {}, fetch_types: false, types: ARRAYS, ...settings };
  return url === undefined ? postgres(options) : postgres(url, options);
}

/**
 * Arrays as parameters. postgres.js would ask each new session for their types, and dies of an unhandled rejection
 * if the session breaks off meanwhile. Arrays in results arrive as text: select them as JSON.
 */
const ARRAYS = Object.fromEntries(
  Object.entries({ bool: 1000, bytea: 1001, int4: 1007, text: 1009, int8: 1016, uuid: 2951 }).map(
    ([name, oid]) => [
      `${name}s`,
      { to: oid, from: [], serialize: oid === 1001 ? byteaLiteral : arrayLiteral, parse: String },
    ],
  ),
);

/** `asBytea` makes nothing that has to be escaped but its own backslash. */
function byteaLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"\\${value}"`).join(",")}}`;
}

function arrayLiteral(values: readonly unknown[]): string {
  const elements = values.map((value) =>
    value === null ? "null" : `"${String(value).replace(/["\\]/g, "\\$&")}"`,
  );
  return `{${elements.join(",")}}`;
}

/** Byte strings as elements of a `bytea[]` parameter. */
export function asBytea(values: readonly Uint8Array[]): string[] {
  return values.map(
    (value) => `\\x${Buffer.from(value.buffer, value.byteOffset, value.length).toString("hex")}`,
  );
}

/** Does work that is outside any controller's scope in one session of its own, as the login itself. */
export async function withSession<T>(
  server: ConnectOptions,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = openClient(server, { max: 1 });
  try {
    return await work(sql);
  } catch (error) {
    throw knownError(error);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** libpq's way of naming a socket folder (`postgres:///lethe?host=/run/postgresql&user=lethe`), which postgres.js lacks. */
export function serverOf(url: string): ConnectOptions {
  const parsed = new URL(url);
  const given = (name: string) => {
    const value = parsed.searchParams.get(name);
    parsed.searchParams.delete(name);
    return value === null ? {} : { [name]: value };
  };
  return { ...given("host"), ...given("port"), ...given("user"), ...given("password"), url: parsed.href };
}
