import { LetheError } from "#schemas";
import { connect, type Database } from "./database.ts";
import { attachEmbedded } from "./embedded/index.ts";
import { databaseErrors } from "./errors.ts";
import { migrateDatabase } from "./migrate.ts";
import { ensureHubLogin, ensureRoles, HUB_ROLES, OWNER } from "./roles.ts";
import { type ConnectOptions, serverOf, withSession } from "./session.ts";

export type { ControllerTransaction, Database, Transaction } from "./database.ts";
export { and, eq, ne } from "./drizzle.ts";
export { attachEmbedded } from "./embedded/index.ts";
export { databaseErrors, isConnectionFault } from "./errors.ts";
export { compareMigrations, knownMigrations, type MigrationState, migrateDatabase } from "./migrate.ts";
export { findPolicyFaults, type PolicyFault } from "./policies.ts";
export {
  endedByStop,
  findStop,
  holdIfStopped,
  isHeld,
  isStopped,
  type Stop,
} from "./processing-stop.ts";
export { ensureHubLogin, ensureRoles, HUB_ROLES } from "./roles.ts";
export { asBytea, type ConnectOptions, serverOf, withSession } from "./session.ts";
export type { Sent } from "./tables/consent.ts";
export * as tables from "./tables/index.ts";
export type { Pause } from "./tables/rights.ts";

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
    await provision(embedded.connect("postgres", "postgres"), "lethe");
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

/** Advisory lock, in the cluster's own database: one process provisions at a time. */
const PROVISIONING = 0x1e74e007;

/** First start of an embedded cluster: the hub's login and an empty database. */
function provision(cluster: ConnectOptions, database: string): Promise<void> {
  return withSession(cluster, async (sql) => {
    // Roles, grants and databases that two sessions make at once are an error for one of them. Let go with the session.
    await sql`select pg_advisory_lock(${PROVISIONING})`;
    const [there] = await sql`select from pg_database where datname = ${database}`;
    if (there !== undefined) return;
    await ensureRoles(sql);
    await ensureHubLogin(sql);
    await sql.unsafe(`create database ${database} owner ${OWNER}`);
  });
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
      from pg_roles r where r.rolname = any(${[...HUB_ROLES]}::text[]) or r.rolname = current_user`,
  );
  const unsafe = rows.find(({ fault }) => fault !== null);
  if (unsafe !== undefined) throw databaseErrors.unsafeRole(unsafe.name, unsafe.fault ?? "");
  if (rows.find(({ current }) => current)?.name !== "lethe_intake")
    throw new LetheError(
      "database/wrong-role",
      "the connection did not take on the role lethe_intake; a pooler may be dropping start-up options: connect to PostgreSQL directly",
    );
}
