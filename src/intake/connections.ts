import { type Database, eq, tables } from "#database";
import { ConnectionId, type ControllerId, type Environment, type Sealed } from "#schemas";
import { type ControllerKeys, type KeyRing, open, seal } from "#vault";
import { intakeErrors } from "./errors.ts";

/** A webhook secret, and until when an old one still counts after a rotation (ISO 8601). */
export interface WebhookSecret {
  readonly value: string;
  readonly expiresAt: string | null;
}

/** A connection as the door uses it, secrets opened and kept in memory only. */
export interface OpenConnection {
  readonly id: ConnectionId;
  readonly controllerId: ControllerId;
  readonly environment: Environment;
  readonly connector: string;
  readonly account: string | null;
  readonly configuration: unknown;
  readonly hasCredentials: boolean;
  readonly secrets: readonly WebhookSecret[];
  readonly keys: ControllerKeys;
}

export interface ConnectionDirectory {
  byId(connector: string, id: string): Promise<OpenConnection | undefined>;
  /** Several controllers may have connected the same account: the signature tells them apart. */
  byAccount(connector: string, account: string): Promise<readonly OpenConnection[]>;
  /** Forgets what it knows, so that a change shows at once. */
  clear(): void;
}

/** The channel on which a change of connections is told to every door. */
export const CONNECTIONS_CHANGED = "lethe_connections_changed";

/** How long a connection may be used from memory, in milliseconds; should a notice of its change be lost. */
const FRESH = 30_000;

/** Connections that are looked up in the database at a time, and how many more may wait for it. */
const LOOKUPS = 2;
const LINE = 256;

type Row = typeof tables.connection.$inferSelect & { environment: Environment };

/** Finds connections for the door. Known ones are answered from memory even while the database is away. */
export function openDirectory(database: Database, ring: KeyRing): ConnectionDirectory {
  const line: (() => void)[] = [];
  let looking = 0;
  const cache = new Map<string, { at: number; connections: readonly OpenConnection[] }>();
  const underWay = new Map<string, Promise<readonly OpenConnection[]>>();

  return {
    byId: async (connector, id) => {
      const [found] = await cached(`${connector} id ${id}`, async () => {
        const known = ConnectionId.safeParse(id);
        return known.success ? find(({ connection }) => eq(connection.id, known.data)) : [];
      });
      return found?.connector === connector ? found : undefined;
    },
    byAccount: async (connector, account) => {
      const found = await cached(`${connector} account ${account}`, () =>
        find(({ connection }) => eq(connection.account, account)),
      );
      return found.filter((connection) => connection.connector === connector);
    },
    clear: () => {
      cache.clear();
      underWay.clear(); // what is being read may have been read before the change
    },
  };

  async function cached(key: string, load: () => Promise<readonly OpenConnection[]>) {
    const known = cache.get(key);
    if (known !== undefined && Date.now() - known.at < FRESH) return known.connections;
    try {
      return await (underWay.get(key) ?? lookUp(key, load));
    } catch (error) {
      if (known !== undefined) return known.connections;
      throw error;
    }
  }

  /** One for all who ask meanwhile: a sale has a thousand requests under way when what is known of its shop is no longer fresh. */
  function lookUp(key: string, load: () => Promise<readonly OpenConnection[]>) {
    const lookup = inLine(load);
    underWay.set(key, lookup);
    const isLast = () => underWay.get(key) === lookup;
    lookup
      .then((connections) => {
        // Only what exists is remembered: made-up ids must not fill the memory.
        if (isLast() && connections.length > 0) cache.set(key, { at: Date.now(), connections });
        else if (isLast()) cache.delete(key);
      })
      .catch(() => {}) // told to those who asked
      .finally(() => isLast() && underWay.delete(key));
    return lookup;
  }

  /** A few at a time, and a line of bounded length: made-up ids must not take the sessions that deliveries are stored with. */
  async function inLine<T>(work: () => Promise<T>): Promise<T> {
    if (line.length >= LINE) throw intakeErrors.busy();
    if (looking >= LOOKUPS) await new Promise<void>((turn) => line.push(turn));
    looking += 1;
    try {
      return await work();
    } finally {
      looking -= 1;
      line.shift()?.();
    }
  }

  async function find(where: (t: typeof tables) => ReturnType<typeof eq>): Promise<OpenConnection[]> {
    const rows = await database.acrossControllers("lethe_intake", ({ db }) =>
      db
        .select({ connection: tables.connection, environment: tables.controller.environment })
        .from(tables.connection)
        .innerJoin(tables.controller, eq(tables.controller.controllerId, tables.connection.controllerId))
        .where(where(tables)),
    );
    const live = rows.filter(({ connection }) => connection.status !== "removed");
    return Promise.all(
      live.map(({ connection, environment }) => openConnection({ ...connection, environment })),
    );
  }

  async function openConnection(row: Row): Promise<OpenConnection> {
    const keys = await ring.keys(row.controllerId, "lethe_intake");
    return {
      id: row.id,
      controllerId: row.controllerId,
      environment: row.environment,
      connector: row.connector,
      account: row.account,
      configuration: row.configuration,
      hasCredentials: row.credentials !== null,
      secrets: openSecrets(keys, row.controllerId, row.id, row.secrets as Sealed<WebhookSecret[]>),
      keys,
    };
  }
}

/** Secrets that count now, newest first. */
export function currentSecrets(secrets: readonly WebhookSecret[], now: number): string[] {
  return secrets
    .filter(({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > now)
    .map(({ value }) => value);
}

export function sealSecrets(
  keys: ControllerKeys,
  controllerId: ControllerId,
  connectionId: ConnectionId,
  secrets: readonly WebhookSecret[],
): Sealed<WebhookSecret[]> {
  return seal(
    keys.current("seal"),
    secretsContext(controllerId, connectionId),
    Buffer.from(JSON.stringify(secrets)),
  );
}

export function openSecrets(
  keys: ControllerKeys,
  controllerId: ControllerId,
  connectionId: ConnectionId,
  sealed: Sealed<WebhookSecret[]>,
): WebhookSecret[] {
  const bytes = open(
    (version) => keys.version("seal", version),
    secretsContext(controllerId, connectionId),
    sealed,
  );
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

const secretsContext = (controllerId: ControllerId, connectionId: ConnectionId) => ({
  purpose: "webhook-secrets",
  controllerId,
  recordId: connectionId,
});
