import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import type { ControllerId } from "#schemas";
import { inSpan } from "#telemetry";
import { databaseErrors, knownError } from "./errors.ts";
import { openPool, type Pool } from "./pool.ts";
import type { HubRole } from "./roles.ts";
import { type ConnectOptions, openClient } from "./session.ts";

/** A transaction: `sql` for statements on the hot paths (prepared once a session), `db` for the rest. */
export interface Transaction {
  readonly sql: postgres.ISql;
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

/**
 * Sessions that a role may have at most (all together stay under half of a default `max_connections`), and
 * milliseconds that a statement may take: platforms give a webhook 3 to 5 seconds.
 */
const LIMITS: Record<HubRole, { sessions: number; statement: number }> = {
  lethe_app: { sessions: 8, statement: 60_000 },
  lethe_intake: { sessions: 4, statement: 3_000 },
  lethe_runtime: { sessions: 4, statement: 30_000 },
  lethe_sequencer: { sessions: 2, statement: 60_000 },
};

/** A transaction has several statements, and reading a whole log has many. */
const STATEMENTS = 20;

const SNAPSHOT = "isolation level repeatable read read only";

/** Opens the pools. Connects lazily; `openDatabase` in this room's face checks the roles first. */
export function connect(server: ConnectOptions): Database {
  const pools = new Map<HubRole, Pool>();
  const listeners: postgres.Sql[] = [];

  return {
    inController: (controllerId, work, { as = "lethe_app", snapshot = false } = {}) =>
      transaction(as, snapshot ? SNAPSHOT : "", ({ sql, db }) => {
        // Not awaited: it travels with the first query of `work`, and the server answers them in order.
        sql`select set_config('app.current_controller_id', ${controllerId}, true)`.catch(() => {});
        return work({ sql, db, controllerId });
      }),
    acrossControllers: (role, work) => transaction(role, "", work),
    elect,
    listen,
    close: async () => {
      await Promise.all([
        ...[...pools.values()].map((one) => one.close()),
        ...listeners.map((one) => one.end({ timeout: 1 })),
      ]);
    },
  };

  function transaction<T>(role: HubRole, mode: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return inSpan("transaction", { "lethe.role": role }, () => transact(pool(role), mode, work));
  }

  function pool(role: HubRole): Pool {
    let found = pools.get(role);
    if (found === undefined) {
      const { sessions, statement } = LIMITS[role];
      found = openPool({
        open: (onclose) => openAs(server, role, onclose),
        most: sessions,
        giveUpAfter: statement * STATEMENTS,
      });
      pools.set(role, found);
    }
    return found;
  }

  async function elect(
    lock: number,
    role: HubRole,
    lead: (session: { alive(): boolean }) => Promise<void>,
  ): Promise<boolean> {
    let open = true;
    const session = openAs(server, role, () => {
      open = false;
    });
    try {
      const [row] = await session`select pg_try_advisory_lock(${lock}) as elected`;
      if (row?.elected !== true) return false;
      await lead({ alive: () => open });
      return true;
    } catch (error) {
      throw knownError(error);
    } finally {
      await session.end({ timeout: 1 });
    }
  }

  async function listen(channel: string, heard: (payload: string) => void): Promise<void> {
    const listener = openAs(server, "lethe_app", () => {});
    listeners.push(listener);
    await listener.listen(channel, heard, () => heard(""));
  }
}

/**
 * Every statement is sent as soon as `work` asks, BEGIN together with the first of them: the server takes them in
 * order. Once one has failed, or the session is lost, all that follow fail too.
 */
function transact<T>(pool: Pool, mode: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return pool.lend(async (session) => {
    try {
      session.sql.unsafe(`begin ${mode}`).catch(() => {});
      const result = await work(session);
      const { command } = await session.sql.unsafe("commit");
      // What PostgreSQL answers to a COMMIT after a failed statement whose error `work` kept to itself.
      if (command !== "COMMIT") throw databaseErrors.rolledBack();
      return result;
    } catch (error) {
      await session.sql.unsafe("rollback").catch(() => {}); // a lost session has done so by itself
      throw knownError(error);
    }
  });
}

/** A client with one session, in which it has the role. */
function openAs(server: ConnectOptions, role: HubRole, onclose: () => void): postgres.Sql {
  return openClient(server, {
    max: 1,
    max_lifetime: null,
    connect_timeout: 3,
    backoff: () => 0.1,
    onclose,
    connection: {
      role,
      search_path: "lethe",
      application_name: role.replace("_", "-"),
      TimeZone: "UTC",
      statement_timeout: LIMITS[role].statement,
      idle_in_transaction_session_timeout: 60_000,
    },
  });
}
