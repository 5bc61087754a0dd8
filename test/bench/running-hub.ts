import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type postgres from "postgres";
import { readConfig } from "#config";
import { createConnection, createController } from "#controllers";
import { attachEmbedded, type ConnectOptions, withSession } from "#database";
import { openRooms, type Rooms } from "#hub";
import type { ControllerId } from "#schemas";
import { startHubProcess } from "../support/hub-process.ts";
import { type LoadWork, load, type Measured } from "./load.ts";
import { type ProcessorTime, processorTime, used } from "./processor-time.ts";

export const SECRET = "a-secret-for-the-benchmark";

/** A hub with its own PostgreSQL in a folder of its own, with data of nobody else. */
export interface RunningHub {
  readonly pid: number;
  readonly dataDir: string;
  /** With a superuser's hand. */
  readonly server: ConnectOptions;
  /** The same database and keys, in this process. */
  readonly rooms: Rooms;
  /** A controller of its own with a connection to Shopify. */
  connection(): Promise<{ controller: ControllerId; url: string }>;
  superuser<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T>;
  /** One value. */
  ask<T>(query: string): Promise<T>;
  /** Deliveries that are acknowledged and not processed. */
  waiting(): Promise<number>;
  drained(): Promise<void>;
  /** Sends, and says what processor time that took. */
  send(work: Omit<LoadWork, "secret">): Promise<Sent>;
  processorTime(): ProcessorTime | undefined;
  stop(): Promise<void>;
}

export interface Sent extends Measured {
  readonly used: ProcessorTime | undefined;
}

export async function startHub(): Promise<RunningHub> {
  const dataDir = mkdtempSync(join(tmpdir(), "lethe-bench-"));
  chmodSync(dataDir, 0o711); // PostgreSQL runs as another user if this runs as root
  const settings = { LETHE_DATA_DIR: dataDir, LOG_LEVEL: "info" };
  const hub = await startHubProcess(settings);
  const embedded = await attachEmbedded(dataDir);
  const server = embedded.connect("postgres");
  const rooms = await openRooms(readConfig(settings));
  const time = () => processorTime(hub.pid, dataDir);

  return {
    ...{ pid: hub.pid, dataDir, server, rooms, ask, waiting },
    superuser: (work) => withSession(server, work),
    processorTime: time,
    connection: async () => {
      const { database, ring, connectors } = rooms;
      const shopify = connectors.get("shopify");
      if (shopify === undefined) throw new Error("there is no connector for Shopify");
      const { id } = await createController(database, ring, { name: "bench", environment: "sandbox" });
      const settings = { secret: SECRET };
      const made = await createConnection(database, ring, shopify, id, settings, hub.url);
      return { controller: id, url: made.secretUrl };
    },
    drained: async () => {
      while ((await waiting()) > 0) await sleep(50);
    },
    send: async (work) => {
      const before = time();
      const measured = await load({ ...work, secret: SECRET });
      return { ...measured, used: used(before, time()) };
    },
    stop: async () => {
      await rooms.close();
      await hub.stop();
      await embedded.release();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };

  function ask<T>(query: string): Promise<T> {
    return withSession(server, async (sql) => {
      const [row] = await sql.unsafe(query);
      return Object.values(row ?? {})[0] as T;
    });
  }

  function waiting(): Promise<number> {
    return ask("select count(*)::int from lethe.delivery where status = 'received'");
  }
}
