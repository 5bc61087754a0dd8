import postgres from "postgres";
import { LetheError } from "#schemas";
import { connect, type Database } from "./database.ts";
import { attachEmbedded } from "./embedded/index.ts";
import { databaseErrors } from "./errors.ts";
import { type ConnectOptions, migrateDatabase } from "./migrate.ts";
import { ensureHubLogin, ensureRoles, HUB_ROLES, OWNER } from "./roles.ts";

export type { ControllerTransaction, Database, Transaction } from "./database.ts";
export { and, asc, desc, eq, gte, inArray, isNull, lt, or, sql } from "./drizzle.ts";
export { attachEmbedded } from "./embedded/index.ts";
export { databaseErrors, isConnectionFault } from "./errors.ts";
export { appliedMigrations, type ConnectOptions, knownMigrations, migrateDatabase } from "./migrate.ts";
export { findPolicyFaults, type PolicyFault } from "./policies.ts";
export { ensureHubLogin, ensureRoles, HUB_ROLES } from "./roles.ts";
export * as tables from "./tables/index.ts";

export interface OpenDatabase {
  readonly database: Database;
  /** For `doctor` and the catalogue test: how to reach it as the hub does. */
  readonly server: ConnectOptions;
  readonly embedded: boolean;
  readonly migrated: number;
  close(): Promise<void>;
}

/**
 * Opens the database of `url`, or the embedded one in `dataDir`; migrates it; refuses a role that row-level
 * security would not hold.
 */
export async function openDatabase(options: {
  url?: string | undefined;
  dataDir: string;
}): Promise<OpenDatabase> {
  if (options.url !== undefined) {
    const server = serverOf(options.url);
    return finish(server, server, async () => {});
  }
  const embedded = await attachEmbedded(options.dataDir);
  try {
    await provision(embedded.connect("postgres", "postgres"), embedded.connect("postgres"));
    return await finish(embedded.connect("postgres"), embedded.connect("lethe_hub"), embedded.release);
  } catch (error) {
    await embedded.release();
    throw error;
  }

  async function finish(owner: ConnectOptions, server: ConnectOptions, release: () => Promise<void>) {
    const migrated = await migrateDatabase(owner);
    const database = connect(server);
    try {
      await refuseUnsafeRole(database);
    } catch (error) {
      await database.close();
      throw error;
    }
    const close = async () => {
      await database.close();
      await release();
    };
    return { database, server, embedded: options.url === undefined, migrated, close };
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

/** First start of an embedded cluster: the hub's login and an empty database. */
async function provision(cluster: ConnectOptions, target: ConnectOptions): Promise<void> {
  const { url: _, ...settings } = cluster;
  const sql = postgres({ ...settings, max: 1, fetch_types: false, onnotice: () => {} });
  try {
    const [there] = await sql`select from pg_database where datname = ${String(target.database)}`;
    if (there !== undefined) return;
    await ensureRoles(sql);
    await ensureHubLogin(sql);
    await sql.unsafe(`create database ${target.database} owner ${OWNER}`).catch((error: unknown) => {
      // Another process was first.
      if (!(error instanceof Error && "code" in error && error.code === "42P04")) throw error;
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function refuseUnsafeRole(database: Database): Promise<void> {
  const rows = await database.acrossControllers(
    "lethe_intake",
    ({ sql }) => sql<{ name: string; current: boolean; fault: string | null }[]>`
      select r.rolname as name, r.rolname = current_user as current,
        case when r.rolsuper then 'is a superuser'
             when r.rolbypassrls then 'has BYPASSRLS'
             when pg_has_role(r.oid, ${OWNER}, 'MEMBER') then 'may become the owner of the tables'
             when exists (select from pg_class c where c.relnamespace = 'lethe'::regnamespace and c.relowner = r.oid) then 'owns a table'
        end as fault
      from pg_roles r where r.rolname = any(${HUB_ROLES as unknown as string[]}) or r.rolname = current_user`,
  );
  const unsafe = rows.find(({ fault }) => fault !== null);
  if (unsafe !== undefined) throw databaseErrors.unsafeRole(unsafe.name, unsafe.fault ?? "");
  if (rows.find(({ current }) => current)?.name !== "lethe_intake")
    throw new LetheError(
      "database/wrong-role",
      "the connection did not take on the role lethe_intake; a pooler may be dropping start-up options: connect to PostgreSQL directly",
    );
}
