import { randomBytes } from "node:crypto";
import { connectors } from "#connectors";
import { type ConnectionSettings, createConnection, createController } from "#controllers";
import { type Database, tables } from "#database";
import { didOf } from "#identity";
import { freshSecret } from "#kit";
import { type ConnectionId, type ControllerId, type Environment, HUB } from "#schemas";
import { createKeyRing, type KeyRing, masterKeyFromEnvironment } from "#vault";
import { freshDatabase, type TestDatabase } from "./database.ts";

export interface TestRooms extends TestDatabase {
  readonly ring: KeyRing;
  readonly masterKey: string;
  controller(environment?: Environment): Promise<ControllerId>;
  connection(
    controllerId: ControllerId,
    connector: string,
    options?: Partial<ConnectionSettings>,
  ): Promise<{ id: ConnectionId; secret: string; url: string }>;
}

/** Database, keys and connectors together, as the hub has them, without HTTP or a runtime. */
export async function freshRooms(server?: string): Promise<TestRooms> {
  const opened = await freshDatabase(server);
  const masterKey = randomBytes(32).toString("base64");
  const ring = createKeyRing(opened.database, masterKeyFromEnvironment(masterKey));
  await makeHub(opened.database, ring);
  return {
    ...opened,
    ring,
    masterKey,
    controller: async (environment = "sandbox") =>
      (await createController(opened.database, ring, { name: "test", environment })).id,
    connection: async (controllerId, connector, options = {}) => {
      const known = connectors.get(connector);
      if (known === undefined) throw new Error(`no connector ${connector}`);
      const { secret = freshSecret(known) } = options;
      const made = await createConnection(
        opened.database,
        ring,
        known,
        controllerId,
        { configuration: known.configuration?.example, ...options, secret },
        "http://test",
      );
      return { id: made.id, secret, url: made.secretUrl };
    },
  };
}

async function makeHub(database: Database, ring: KeyRing): Promise<void> {
  await database.inController(HUB, async (tx) => {
    await tx.db.insert(tables.controller).values({
      controllerId: HUB,
      name: "hub",
      environment: "live",
      did: didOf("controller", crypto.randomUUID()),
    });
    await ring.create(tx);
  });
}
