import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";
import { drizzle, migrate, readMigrationFiles } from "./drizzle.ts";
import { databaseErrors } from "./errors.ts";
import { ensureRoles, OWNER } from "./roles.ts";
import { type ConnectOptions, withSession } from "./session.ts";

const FOLDER = fileURLToPath(new URL("./migrations", import.meta.url));
const SCHEMA = "lethe_migrations";
const TABLE = "applied";
/** Advisory lock: one process migrates at a time. */
const MIGRATING = 0x1e74e002;

/** Brings the schema up to this version of the code, as the owner, under a lock. Returns how many migrations it applied. */
export function migrateDatabase(server: ConnectOptions): Promise<number> {
  return withSession(server, async (sql) => {
    try {
      return await migrateAsOwner(sql);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "42501")
        throw databaseErrors.cannotMigrate(
          "this login may not create roles or change the schema; run `lethe migrate` once with a DATABASE_URL that may",
        );
      throw error;
    }
  });
}

async function migrateAsOwner(sql: postgres.Sql): Promise<number> {
  await sql`select pg_advisory_lock(${MIGRATING})`;
  const before = await appliedMigrations(sql);
  const known = knownMigrations();
  if (before > known) throw databaseErrors.newerSchema();
  if (before === known) return 0;
  await ensureRoles(sql);
  await sql.unsafe(`set role ${OWNER}`);
  // A login that may not migrate must be able to see that there is nothing to do. Before the migrations: who is killed
  // after their commit is not missed, because there is nothing to do.
  await sql.unsafe(`create schema if not exists ${SCHEMA};
    grant usage on schema ${SCHEMA} to public;
    grant select on all tables in schema ${SCHEMA} to public;
    alter default privileges in schema ${SCHEMA} grant select on tables to public`);
  await migrate(drizzle(sql), {
    migrationsFolder: FOLDER,
    migrationsSchema: SCHEMA,
    migrationsTable: TABLE,
  });
  return known - before;
}

/** How many migrations this version of the code has. */
export function knownMigrations(): number {
  const journal = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, "utf8")) as { entries: unknown[] };
  return journal.entries.length;
}

/** How many migrations the database has had. */
async function appliedMigrations(sql: postgres.Sql): Promise<number> {
  const [there] = await sql`select to_regclass(${`${SCHEMA}.${TABLE}`}) is not null as yes`;
  if (there?.yes !== true) return 0;
  const [row] = await sql.unsafe(`select count(*)::int as applied from ${SCHEMA}.${TABLE}`);
  return Number(row?.applied ?? 0);
}

export interface MigrationState {
  readonly known: number;
  readonly applied: number;
  /** Places of those that this version has and the database has not had as they are: never, or with another text. */
  readonly missing: readonly number[];
  /** How many the database has had that this version does not know. */
  readonly foreign: number;
}

/** What the database says that it has had, text by text, beside what this version has. */
export function compareMigrations(server: ConnectOptions): Promise<MigrationState> {
  return withSession(server, async (sql) => {
    const rows = (await sql.unsafe(`select hash from ${SCHEMA}.${TABLE}`)) as unknown as { hash: string }[];
    const applied = new Set(rows.map(({ hash }) => hash));
    const known = readMigrationFiles({ migrationsFolder: FOLDER }).map(({ hash }) => hash);
    return {
      known: known.length,
      applied: rows.length,
      missing: known.flatMap((hash, place) => (applied.has(hash) ? [] : [place])),
      foreign: rows.filter(({ hash }) => !known.includes(hash)).length,
    };
  });
}
