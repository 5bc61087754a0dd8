import { join } from "node:path";
import type { Config } from "#config";
import { type LoadedConnector, loadConnectors, type RefusedConnector } from "#connectors";
import { type OpenDatabase, openDatabase, tables } from "#database";
import { didOf } from "#identity";
import type { Connector } from "#kit";
import { type ControllerId, type Did, type Environment, HUB } from "#schemas";
import {
  createKeyRing,
  type KeyRing,
  type MasterKeyProvider,
  masterKeyFromEnvironment,
  masterKeyFromFile,
} from "#vault";

/** What the hub and the commands have in common: the database, the keys and the connectors. */
export interface Rooms extends OpenDatabase {
  readonly config: Config;
  readonly master: MasterKeyProvider;
  readonly ring: KeyRing;
  readonly connectors: ReadonlyMap<string, Connector>;
  /** The same with their folders. */
  readonly loaded: ReadonlyMap<string, LoadedConnector>;
  /** Those that were asked for and cannot be had: the hub runs without them. */
  readonly refusedConnectors: readonly RefusedConnector[];
  /** Every controller but the hub itself. */
  controllers(): Promise<readonly ControllerRow[]>;
}

export interface ControllerRow {
  readonly id: ControllerId;
  readonly did: Did;
  readonly environment: Environment;
}

/** Opens them. Throws if the master key is not the one that the database's keys are wrapped under. */
export async function openRooms(config: Config): Promise<Rooms> {
  const { loaded, refused } = await loadConnectors(config.connectors);
  const opened = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir });
  try {
    const master =
      config.masterKey === undefined
        ? masterKeyFromFile(join(config.dataDir, "master.key"))
        : masterKeyFromEnvironment(config.masterKey);
    const ring = createKeyRing(opened.database, master);
    await ensureHub(opened, ring);
    // Proves that the master key fits, before anything is accepted that could not be opened again.
    await ring.keys(HUB);
    return {
      ...opened,
      ...{ config, master, ring, loaded },
      connectors: new Map([...loaded].map(([id, { connector }]) => [id, connector])),
      refusedConnectors: refused,
      controllers: () => listControllers(opened),
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function listControllers({ database }: OpenDatabase): Promise<ControllerRow[]> {
  const rows = await database.acrossControllers("lethe_intake", ({ db }) =>
    db
      .select({
        id: tables.controller.controllerId,
        did: tables.controller.did,
        environment: tables.controller.environment,
      })
      .from(tables.controller),
  );
  return rows.filter(({ id }) => id !== HUB);
}

/** The hub is a controller too: owner of the log that takes every controller's checkpoints. */
async function ensureHub({ database }: OpenDatabase, ring: KeyRing): Promise<void> {
  await database.inController(HUB, async (tx) => {
    const created = await tx.db
      .insert(tables.controller)
      .values({
        controllerId: HUB,
        name: "hub",
        environment: "live",
        did: didOf("controller", crypto.randomUUID()),
      })
      .onConflictDoNothing()
      .returning({ id: tables.controller.controllerId });
    if (created.length > 0) await ring.create(tx);
  });
}
