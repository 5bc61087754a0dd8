import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "#config";
import { connectors } from "#connectors";
import { createConnection, createController } from "#controllers";
import { type Database, openDatabase, serverOf, withSession } from "#database";
import { openRooms } from "#hub";
import type { ControllerId, Did } from "#schemas";
import { createKeyRing, type KeyRing, keyedHash } from "#vault";
import { openCluster } from "../../../src/database/embedded/cluster.ts";
import { type HubProcess, startHubProcess } from "../../support/hub-process.ts";

/** A data directory with its embedded PostgreSQL, on which hubs come and go. */
export interface Site {
  readonly folder: string;
  readonly database: Database;
  readonly ring: KeyRing;
  /** A controller with one connection: what is to be reconciled begins anew, and no log grows without bound. */
  shop(): Promise<Shop>;
  /** Starts a hub, or something else with other settings; undefined if it was killed before it was ready. Throws if it ended by itself. */
  start(settings?: Record<string, string>): Promise<HubProcess | undefined>;
  /** Asks with the superuser's hand. */
  ask<T extends object>(query: string, ...parameters: string[]): Promise<T[]>;
  /** URL of a database of the site's PostgreSQL. */
  url(database: string): string;
  /** Process id of PostgreSQL's postmaster. */
  postmaster(): number;
  didOf(id: ControllerId): Promise<Did>;
  close(): Promise<void>;
}

export interface Shop {
  readonly controllerId: ControllerId;
  readonly path: string;
  readonly secret: string;
  /** What the inbox tells deliveries apart by, in hex, of a platform's id. */
  dedupe(webhookId: string): string;
}

/** Makes one, migrated, on which no hub has run yet. */
export async function openSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "lethe-crash-"));
  chmodSync(folder, 0o711); // PostgreSQL runs as another user if this runs as root
  // What a hub's start does, but for the sandbox.
  const rooms = await openRooms(readConfig({ LETHE_DATA_DIR: folder }));
  // Held until a hub holds the server too. From then on nobody but hubs brings it back: this is a session like an operator's.
  let held = true;
  const url = (database: string) => `postgres:///${database}?host=${folder}/postgres&user=postgres`;
  const { database, close } = await openDatabase({ url: url("lethe"), dataDir: folder });
  const ring = createKeyRing(database, rooms.master);
  return { ...{ folder, database, ring, shop, start, ask, url, postmaster, didOf }, close: end };

  async function shop(): Promise<Shop> {
    const { id: controllerId } = await createController(database, ring, {
      name: "crash",
      environment: "sandbox",
    });
    const shopify = connectors.get("shopify");
    if (shopify === undefined) throw new Error("no shopify");
    const secret = randomBytes(16).toString("hex");
    const { id } = await createConnection(database, ring, shopify, controllerId, { secret }, "http://hub");
    const { key } = (await ring.keys(controllerId)).current("mac");
    return {
      ...{ controllerId, secret, path: `/webhooks/shopify/${id}` },
      dedupe: (webhookId) => Buffer.from(keyedHash(key, "delivery", webhookId)).toString("hex", 0, 16),
    };
  }

  async function start(settings: Record<string, string> = {}): Promise<HubProcess | undefined> {
    const started = startHubProcess({ LETHE_DATA_DIR: folder, ...settings });
    const hub = await started.catch((error: unknown) => {
      if (error instanceof Error && error.message.startsWith("the hub exited with null")) return undefined;
      throw error;
    });
    await letGo();
    return hub;
  }

  function ask<T extends object>(query: string, ...parameters: string[]): Promise<T[]> {
    return withSession(serverOf(url("lethe")), async (sql) => {
      await sql`set search_path = lethe`;
      return sql.unsafe<T[]>(query, parameters);
    });
  }

  function postmaster(): number {
    return Number(readFileSync(join(folder, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
  }

  async function didOf(id: ControllerId): Promise<Did> {
    const [row] = await ask<{ did: Did }>("select did from controller where controller_id = $1", id);
    if (row === undefined) throw new Error(`no controller ${id}`);
    return row.did;
  }

  async function end(): Promise<void> {
    await close();
    await letGo();
    await openCluster(folder).shutdown();
    rmSync(folder, { recursive: true, force: true });
  }

  async function letGo(): Promise<void> {
    if (held) await rooms.close();
    held = false;
  }
}
