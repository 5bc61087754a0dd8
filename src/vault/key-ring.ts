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
  /** Ed25519 public keys of every checkpoint key there ever was, raw 32 bytes, newest first. */
  readonly checkpointKeys: readonly { version: number; publicKey: Uint8Array }[];
}

export interface KeyRing {
  /** A controller's keys, unwrapped and kept in memory. The door reads them as `lethe_intake`. */
  keys(controllerId: ControllerId, as?: "lethe_app" | "lethe_intake"): Promise<ControllerKeys>;
  /** Makes every key of a new controller, in the transaction that makes the controller. */
  create(tx: ControllerTransaction): Promise<void>;
  /** Waits for every `create` that may have read the master key before now: its controller is committed, or rolled back. */
  settled(): Promise<void>;
  /**
   * Wraps a controller's keys under `to`; returns how many were wrapped under an older version. Keys never go back to
   * an older one, whoever else is at it. Payloads are not touched.
   */
  rewrap(controllerId: ControllerId, to: WrappingKey): Promise<number>;
  /** Forgets what is in memory, so that the next use reads the database again. */
  forget(controllerId: ControllerId): void;
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
        .values(PURPOSES.map((purpose) => fresh(tx.controllerId, purpose, to)));
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
    forget: (controllerId) => void cache.delete(controllerId),
  };

  function load(controllerId: ControllerId, as: "lethe_app" | "lethe_intake"): Promise<ControllerKeys> {
    return database.inController(controllerId, async (tx) => unwrapAll(await read(tx)), { as });
  }

  function fresh(controllerId: ControllerId, purpose: KeyPurpose, to: WrappingKey) {
    const key = { controllerId, purpose, version: 1 };
    const { secret, publicKey } =
      purpose === "checkpoint" ? signingKey() : { secret: randomBytes(32), publicKey: null };
    return { ...key, masterVersion: to.version, wrapped: seal(to, context(key), secret), publicKey };
  }

  function unwrapAll(rows: Row[]): ControllerKeys {
    const keys = new Map<string, VersionedKey | "destroyed">();
    const newest = new Map<string, number>();
    for (const row of rows) {
      keys.set(`${row.purpose}:${row.version}`, row.wrapped === null ? "destroyed" : unwrap(row));
      newest.set(row.purpose, Math.max(row.version, newest.get(row.purpose) ?? 0));
    }
    const version = (purpose: KeyPurpose, wanted: number): VersionedKey => {
      const key = keys.get(`${purpose}:${wanted}`);
      if (key === undefined) throw vaultErrors.missing(purpose);
      if (key === "destroyed") throw vaultErrors.destroyed(purpose);
      return key;
    };
    return {
      version,
      current: (purpose) => version(purpose, newest.get(purpose) ?? 0),
      checkpointKeys: rows
        .flatMap(({ version, publicKey }) => (publicKey === null ? [] : [{ version, publicKey }]))
        .sort((a, b) => b.version - a.version),
    };
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
