import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { ControllerId } from "#schemas";
import { drizzle } from "./drizzle.ts";
import { databaseErrors, isConnectionFault } from "./errors.ts";
import type { ConnectOptions } from "./migrate.ts";
import type { HubRole } from "./roles.ts";

/** A transaction: `sql` for statements on the hot paths (prepared once a connection), `db` for the rest. */
export interface Transaction {
  readonly sql: postgres.TransactionSql;
  readonly db: PostgresJsDatabase;
}

export interface ControllerTransaction extends Transaction {
  readonly controllerId: ControllerId;
}

export interface ScopeOptions {
  /** The door works as `lethe_intake`, everything else as `lethe_app`. */
  readonly as?: "lethe_app" | "lethe_intake";
  /** Every query sees the database as it was at the first, and nothing is written. */
  readonly snapshot?: boolean;
}

export interface Database {
  /**
   * Runs `work` in a transaction that sees and writes the rows of one controller only; row-level security
   * enforces it. Commits when `work` resolves, rolls back when it rejects.
   */
  inController<T>(
    controllerId: ControllerId,
    work: (tx: ControllerTransaction) => Promise<T>,
    options?: ScopeOptions,
  ): Promise<T>;
  /** For the roles whose task spans controllers and whose grants hold no personal record: directory, runtime, sequencer. */
  acrossControllers<T>(
    role: Exclude<HubRole, "lethe_app">,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T>;
  /**
   * Runs `lead` while a session holds the advisory lock; resolves false if another session has it. `lead` must
   * stop when its session is no longer alive, because somebody else may be elected then.
   */
  elect(
    lock: number,
    role: HubRole,
    lead: (session: { alive(): boolean }) => Promise<void>,
  ): Promise<boolean>;
  /** Calls `heard` at each NOTIFY on the channel, and once whenever the subscription is (re)established. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  close(): Promise<void>;
}

/** Most connections a role's pool may open. All together stay under half of a default `max_connections`. */
const POOL: Record<HubRole, number> = {
  lethe_app: 8,
  lethe_intake: 4,
  lethe_runtime: 4,
  lethe_sequencer: 2,
};

/** A statement that takes longer is cut off, in milliseconds: platforms give a webhook 3 to 5 seconds. */
const STATEMENT_TIMEOUT: Record<HubRole, number> = {
  lethe_app: 60_000,
  lethe_intake: 3_000,
  lethe_runtime: 30_000,
  lethe_sequencer: 60_000,
};

const SNAPSHOT = "isolation level repeatable read read only";

/** Opens the pools. Connects lazily; `openDatabase` in this room's face checks the roles first. */
export function connect(server: ConnectOptions): Database {
  const pools = new Map<HubRole, { sql: postgres.Sql }>();

  return {
    inController: (controllerId, work, { as = "lethe_app", snapshot = false } = {}) =>
      transaction(pool(as), snapshot ? SNAPSHOT : "", (tx) => {
        // Not awaited: it travels with the first query of `work`, and the server answers them in order.
        void tx.sql`select set_config('app.current_controller_id', ${controllerId}, true)`.execute();
        return work(
          Object.defineProperty(tx, "controllerId", { value: controllerId }) as ControllerTransaction,
        );
      }),
    acrossControllers: (role, work) => transaction(pool(role), "", work),
    elect,
    listen,
    close: async () => {
      await Promise.all([...pools.values()].map(({ sql }) => sql.end({ timeout: 2 })));
    },
  };

  function pool(role: HubRole): postgres.Sql {
    let found = pools.get(role);
    if (found === undefined) {
      found = { sql: openPool(server, role, POOL[role]) };
      pools.set(role, found);
    }
    return found.sql;
  }

  async function elect(
    lock: number,
    role: HubRole,
    lead: (session: { alive(): boolean }) => Promise<void>,
  ): Promise<boolean> {
    let open = true;
    const session = openPool(server, role, 1, () => {
      open = false;
    });
    try {
      const [row] = await session`select pg_try_advisory_lock(${lock}) as elected`;
      if (row?.elected !== true) return false;
      await lead({ alive: () => open });
      return true;
    } catch (error) {
      throw isConnectionFault(error) ? databaseErrors.unavailable(error) : error;
    } finally {
      await session.end({ timeout: 1 });
    }
  }

  async function listen(channel: string, heard: (payload: string) => void): Promise<void> {
    await pool("lethe_app").listen(channel, heard, () => heard(""));
  }
}

async function transaction<T>(
  pool: postgres.Sql,
  mode: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return (await pool.begin(mode, (sql) => {
      const client = Object.assign(sql, { options: pool.options }) as unknown as postgres.Sql;
      let db: PostgresJsDatabase | undefined;
      return work({
        sql,
        get db() {
          db ??= drizzle(client);
          return db;
        },
      });
    })) as T;
  } catch (error) {
    throw isConnectionFault(error) ? databaseErrors.unavailable(error) : error;
  }
}

function openPool(server: ConnectOptions, role: HubRole, max: number, onclose = () => {}): postgres.Sql {
  const { url, ...options } = server;
  const settings: postgres.Options<Record<string, never>> = {
    ...options,
    max,
    connect_timeout: 3,
    backoff: () => 0.1,
    onnotice: () => {},
    onclose,
    ...(max === 1 ? { max_lifetime: null, idle_timeout: 0 } : {}),
    connection: {
      role,
      search_path: "lethe",
      application_name: role.replace("_", "-"),
      TimeZone: "UTC",
      statement_timeout: STATEMENT_TIMEOUT[role],
      idle_in_transaction_session_timeout: 60_000,
    },
  };
  const sql = url === undefined ? postgres(settings) : postgres(url, settings);
  // Sets the pool's parsers and serialisers: times come as strings, JSON goes as text, whoever asks.
  drizzle(sql);
  return sql;
}
