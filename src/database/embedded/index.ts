import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type postgres from "postgres";
import { databaseErrors, isConnectionFault } from "../errors.ts";
import { type ConnectOptions, openClient } from "../session.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { socketPath } from "./socket.ts";

/** The embedded PostgreSQL, shared by the hub and any command that runs beside it. */
export interface EmbeddedServer {
  /** postgres.js options that reach it: `postgres` is the superuser, for set-up only; `lethe_hub` all the rest. */
  connect(user: "postgres" | "lethe_hub", database?: string): ConnectOptions;
  /** Lets go of it; whoever is the last to do so stops it cleanly. */
  release(): Promise<void>;
}

/** Everyone who uses the server holds this advisory lock, shared; who gets it alone may stop the server. */
const IN_USE = 0x1e74e001;

const START_TIMEOUT = 120_000;
const MAX_SPAWNS = 5;

/** Starts the server in `<dataDir>/postgres`, or joins the one that is running, and starts it again should it die. */
export async function attachEmbedded(dataDir: string): Promise<EmbeddedServer> {
  const cluster = openCluster(dataDir);
  const socket = socketPath(join(cluster.folder, ".s.PGSQL.5432"));
  let releasing = false;
  let recovering = false;
  let control = await hold();
  return { connect, release };

  function connect(user: "postgres" | "lethe_hub", database = "lethe") {
    return { path: socket.path, username: user, database };
  }

  /** A session that holds the lock. When it breaks, the server went away under us: bring it back. */
  async function hold(): Promise<postgres.Sql> {
    let held = false;
    const sql = await reach(cluster, () =>
      openClient(connect("postgres", "postgres"), {
        max: 1,
        idle_timeout: 0,
        max_lifetime: null,
        fetch_types: false,
        onclose: () => {
          if (held && !releasing && !recovering) void recover();
        },
      }),
    );
    held = true;
    return sql;
  }

  /** However long it takes: a full disk or a missing folder may be put right while we try. */
  async function recover(): Promise<void> {
    recovering = true;
    await control.end({ timeout: 0 });
    let session: postgres.Sql | undefined;
    while (session === undefined && !releasing)
      session = await hold().catch(async () => {
        await sleep(1_000);
        return undefined;
      });
    recovering = false;
    control = session ?? control;
    if (releasing) await control.end({ timeout: 0 });
  }

  async function release(): Promise<void> {
    releasing = true;
    try {
      await control`select pg_advisory_unlock_shared(${IN_USE})`;
      const [row] = await control`select pg_try_advisory_lock(${IN_USE}) as last`;
      if (row?.last === true) await cluster.shutdown();
    } catch (error) {
      if (!isConnectionFault(error)) throw error; // gone already: there is nothing to let go of
    } finally {
      await control.end({ timeout: 1 });
      socket.remove();
    }
  }
}

/** Connects and takes the lock, starting the server as often as it takes, within reason. */
async function reach(cluster: Cluster, open: () => postgres.Sql): Promise<postgres.Sql> {
  const deadline = Date.now() + START_TIMEOUT;
  let spawns = 0;
  let spawnedAt = 0;
  for (;;) {
    if (cluster.pid() === undefined && Date.now() - spawnedAt > 1_000) {
      if (spawns++ === MAX_SPAWNS) throw databaseErrors.didNotStart(cluster.log);
      cluster.spawn();
      spawnedAt = Date.now();
    }
    const sql = open();
    try {
      await sql`select pg_advisory_lock_shared(${IN_USE})`;
      return sql;
    } catch (error) {
      await sql.end({ timeout: 0 });
      if (Date.now() > deadline) throw databaseErrors.didNotStart(cluster.log);
      if (!isPassing(error)) throw error;
      await sleep(10);
    }
  }
}

/** Not up yet, starting up, shutting down, gone while we waited for the lock. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return [
    "ENOENT",
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "CONNECTION_CLOSED",
    "57P01",
    "57P02",
    "57P03",
  ].includes(code);
}
