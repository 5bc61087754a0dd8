import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { type ControllerTransaction, type Database, eq, tables } from "#database";
import { type ControllerId, HUB, type Sealed } from "#schemas";
import { vaultErrors } from "./errors.ts";
import type { MasterKeyProvider } from "./master-key.ts";
import { open, rewrap, type SealContext, seal, type WrappingKey, wrappingVersion } from "./sealing.ts";

/**
 * A controller's keys, by what they are for:
 * `seal` wraps the data keys of deliveries, secrets and requests; `subject` wraps subjects' keys (its
 * versions are the erasure epochs); `hash` makes pseudonyms; `mac` marks bodies and idempotency keys;
 * `checkpoint` signs the audit log (Ed25519).
 */
const PURPOSES = ["seal", "subject", "hash", "mac", "checkpoint"] as const;
export type KeyPurpose = (typeof PURPOSES)[number];

export interface VersionedKey {
  readonly version: number;
  readonly key: KeyObject;
}

export interface ControllerKeys {
  /** The newest version. */
  current(purpose: KeyPurpose): VersionedKey;
  /** Throws `vault/key-destroyed` or `vault/key-missing`. */
  version(purpose: KeyPurpose, version: number): VersionedKey;
  /** Whether there is, or was, such a version as far as is known here: another process may have made one since. */
  knows(purpose: KeyPurpose, version: number): boolean;
  /** Reads the database again, in the transaction, for whoever holds these keys. */
  renew(tx: ControllerTransaction): Promise<void>;
  /** Ed25519 public keys of every checkpoint key there ever was, raw 32 bytes, newest first. */
  readonly checkpointKeys: readonly { version: number; publicKey: Uint8Array }[];
}

export interface KeyRing {
  /** A controller's keys, unwrapped and kept in memory. The door reads them as `lethe_intake`. */
  keys(controllerId: ControllerId, as?: "lethe_app" | "lethe_intake"): Promise<ControllerKeys>;
  /** Makes every key of a new controller, in the transaction that makes the controller. */
  create(tx: ControllerTransaction): Promise<void>;
  /** Adds a version, which is the newest from the commit on, and tells every process of it. Returns it. */
  addVersion(tx: ControllerTransaction, purpose: Exclude<KeyPurpose, "checkpoint">): Promise<number>;
  /** Waits for every `create` that may have read the master key before now: its controller is committed, or rolled back. */
  settled(): Promise<void>;
  /**
   * Wraps a controller's keys under `to`; returns how many were wrapped under an older version. Keys never go back to
   * an older one, whoever else is at it. Payloads are not touched.
   */
  rewrap(controllerId: ControllerId, to: WrappingKey): Promise<number>;
  /** Brings what is in memory up to date: of one controller, or, with an empty string, of all. For {@link KEYS_CHANGED}. */
  refresh(controllerId: string): Promise<void>;
  /** Forgets what is in memory, so that the next use reads the database again. */
  forget(controllerId: ControllerId): void;
}

/** The channel on which a new or a destroyed version is told to every process; its payload is the controller. */
export const KEYS_CHANGED = "lethe_keys_changed";

/** Tells of it, when the transaction commits. */
export async function keysChanged({ sql, controllerId }: ControllerTransaction): Promise<void> {
  await sql`select pg_notify(${KEYS_CHANGED}, ${controllerId})`;
}

type Row = typeof tables.controllerKey.$inferSelect;

/** Advisory lock: shared by who makes keys, from reading the master key to the commit; alone, nobody is in between. */
const CREATING = 0x1e74e006;

export function createKeyRing(database: Database, master: MasterKeyProvider): KeyRing {
  const cache = new Map<ControllerId, Promise<ControllerKeys>>();

  return {
    keys(controllerId, as = "lethe_app") {
      let found = cache.get(controllerId);
      if (found === undefined) {
        found = load(controllerId, as);
        cache.set(controllerId, found);
        found.catch(() => cache.delete(controllerId));
      }
      return found;
    },
    async create(tx) {
      await tx.sql`select pg_advisory_xact_lock_shared(${CREATING})`;
      const to = master.current(); // not before the lock is held: a rotation waits only for those who hold it
      await tx.db
        .insert(tables.controllerKey)
        .values(PURPOSES.map((purpose) => fresh({ controllerId: tx.controllerId, purpose, version: 1 }, to)));
    },
    async addVersion(tx, purpose) {
      await tx.sql`select pg_advisory_xact_lock_shared(${CREATING})`;
      const to = master.current();
      const newest = (await read(tx)).filter((row) => row.purpose === purpose).map((row) => row.version);
      const version = Math.max(0, ...newest) + 1;
      const { wrapped } = fresh({ controllerId: tx.controllerId, purpose, version }, to);
      // Not the time when the transaction began: it may have waited for others since.
      await tx.sql`insert into controller_key (controller_id, purpose, version, master_version, wrapped, created_at)
        values (${tx.controllerId}, ${purpose}, ${version}, ${to.version}, ${wrapped}, clock_timestamp())`;
      await keysChanged(tx);
      return version;
    },
    async settled() {
      await database.inController(HUB, ({ sql }) => sql`select pg_advisory_xact_lock(${CREATING})`);
    },
    rewrap: (controllerId, to) =>
      database.inController(controllerId, async (tx) => {
        const rows = await read(tx);
        const old = rows.filter((row) => row.wrapped !== null && row.masterVersion < to.version);
        for (const row of old) {
          const wrapped = rewrap(master.get, to, context(row), row.wrapped as Sealed<KeyObject>);
          await tx.sql`update controller_key set wrapped = ${wrapped}, master_version = ${to.version}
            where controller_id = ${controllerId} and purpose = ${row.purpose} and version = ${row.version}
              and wrapped is not null and master_version < ${to.version}`;
        }
        return old.length;
      }),
    async refresh(controllerId) {
      const known = [...cache.keys()].filter((id) => controllerId === "" || id === controllerId);
      for (const id of known)
        try {
          const keys = await cache.get(id);
          await database.inController(id, async (tx) => keys?.renew(tx));
        } catch {
          cache.delete(id); // who asks next reads the database
        }
    },
    forget: (controllerId) => void cache.delete(controllerId),
  };

  function load(controllerId: ControllerId, as: "lethe_app" | "lethe_intake"): Promise<ControllerKeys> {
    return database.inController(controllerId, async (tx) => unwrapAll(await read(tx)), { as });
  }

  function fresh(key: { controllerId: ControllerId; purpose: KeyPurpose; version: number }, to: WrappingKey) {
    const { secret, publicKey } =
      key.purpose === "checkpoint" ? signingKey() : { secret: randomBytes(32), publicKey: null };
    return { ...key, masterVersion: to.version, wrapped: seal(to, context(key), secret), publicKey };
  }

  function unwrapAll(rows: Row[]): ControllerKeys {
    const keys = new Map<string, VersionedKey | "destroyed">();
    const newest = new Map<string, number>();
    let checkpointKeys: ControllerKeys["checkpointKeys"] = [];
    take(rows);
    const version = (purpose: KeyPurpose, wanted: number): VersionedKey => {
      const key = keys.get(`${purpose}:${wanted}`);
      if (key === undefined) throw vaultErrors.missing(purpose);
      if (key === "destroyed") throw vaultErrors.destroyed(purpose);
      return key;
    };
    return {
      version,
      current: (purpose) => version(purpose, newest.get(purpose) ?? 0),
      knows: (purpose, wanted) => keys.has(`${purpose}:${wanted}`),
      renew: async (tx) => take(await read(tx)),
      get checkpointKeys() {
        return checkpointKeys;
      },
    };

    /** Adds to what is known, and never goes back: a transaction may see the database as it was a while ago. */
    function take(rows: Row[]): void {
      const unwrapped = rows.map((row) => [row, row.wrapped === null ? "destroyed" : unwrap(row)] as const);
      for (const [{ purpose, version }, key] of unwrapped) {
        if (keys.get(`${purpose}:${version}`) !== "destroyed") keys.set(`${purpose}:${version}`, key);
        newest.set(purpose, Math.max(version, newest.get(purpose) ?? 0));
      }
      checkpointKeys = rows
        .flatMap(({ version, publicKey }) => (publicKey === null ? [] : [{ version, publicKey }]))
        .sort((a, b) => b.version - a.version);
    }
  }

  function unwrap(row: Row): VersionedKey {
    const wrapped = row.wrapped as Sealed<KeyObject>;
    master.get(wrappingVersion(wrapped)); // a missing version is another error than a wrong key
    let secret: Uint8Array;
    try {
      secret = open(master.get, context(row), wrapped);
    } catch {
      throw vaultErrors.wrongMasterKey();
    }
    const key =
      row.purpose === "checkpoint"
        ? createPrivateKey({ key: Buffer.from(secret), format: "der", type: "pkcs8" })
        : createSecretKey(secret);
    return { version: row.version, key };
  }
}

function read(tx: ControllerTransaction): Promise<Row[]> {
  return tx.db
    .select()
    .from(tables.controllerKey)
    .where(eq(tables.controllerKey.controllerId, tx.controllerId));
}

function context(key: { controllerId: ControllerId; purpose: string; version: number }): SealContext {
  return {
    purpose: "controller-key",
    controllerId: key.controllerId,
    recordId: `${key.purpose}:${key.version}`,
  };
}

function signingKey(): { secret: Uint8Array; publicKey: Uint8Array } {
  const { privateKey } = generateKeyPairSync("ed25519");
  return {
    secret: privateKey.export({ format: "der", type: "pkcs8" }),
    // The last 32 bytes of an Ed25519 SubjectPublicKeyInfo are the key itself (RFC 8410 §4).
    publicKey: createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32),
  };
}

export type { WrappingKey };
