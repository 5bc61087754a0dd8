import { createSecretKey, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { vaultErrors } from "./errors.ts";
import type { WrappingKey } from "./sealing.ts";

/**
 * Where the master key comes from: environment or file. Versions: the newest wraps, older ones only unwrap until
 * rotation is done.
 *
 * A provider hands out the key itself, at once. So a KMS fits as far as it decrypts a stored master key when the hub
 * starts. One whose key never leaves it does not fit: it would have to wrap and unwrap remotely, so `get` and `current`
 * would become `wrap(bytes, aad)` and `unwrap(version, bytes, aad)`, asynchronous, and the sealed form would need an
 * algorithm of its own, because a KMS's ciphertext is longer than the 48 bytes there (see `sealing.ts`).
 */
export interface MasterKeyProvider {
  readonly source: string;
  /** The newest version, as it is now: another process may have added it. */
  current(): WrappingKey;
  /** Throws `vault/unknown-master-version`. */
  get(version: number): WrappingKey;
  /** Adds a version, which becomes current. Only where the provider can keep it. */
  add?(): WrappingKey;
  /**
   * Destroys every version older than this one, which nothing is wrapped under any more. Newer ones stay: another
   * rotation may be wrapping under them. Throws `vault/unknown-master-version` if this one is not there.
   */
  forgetBefore?(version: number): void;
}

/** `LETHE_MASTER_KEY`: `<version>:<base64>`, newest first; a lone base64 value is version 1. */
export function masterKeyFromEnvironment(value: string): MasterKeyProvider {
  const keys = parse("LETHE_MASTER_KEY", value);
  return { source: "LETHE_MASTER_KEY", ...ring(() => keys) };
}

/**
 * The same format in a file, one version a line, mode 0600; made with a random key on first use. It is read
 * again when something is to be wrapped and when a version is missing, so that a running hub learns of a rotation.
 */
export function masterKeyFromFile(path: string): MasterKeyProvider {
  if (!existsSync(path)) write([{ version: 1, bytes: randomBytes(32) }], placeFirst);
  let keys = read();
  const found = ring(() => keys);

  return {
    source: path,
    current() {
      keys = read();
      return found.current();
    },
    get(version) {
      if (!keys.some((key) => key.version === version)) keys = read();
      return found.get(version);
    },
    add() {
      const before = readBytes();
      write([{ version: (before[0]?.version ?? 0) + 1, bytes: randomBytes(32) }, ...before], renameSync);
      keys = read();
      return found.current();
    },
    forgetBefore(oldest) {
      const before = readBytes();
      if (!before.some(({ version }) => version === oldest)) throw vaultErrors.unknownMasterVersion(oldest);
      write(
        before.filter(({ version }) => version >= oldest),
        renameSync,
      );
      keys = read();
    },
  };

  function read(): WrappingKey[] {
    return parse(path, readFileSync(path, "utf8"));
  }

  function readBytes(): { version: number; bytes: Uint8Array }[] {
    return read().map(({ version, key }) => ({ version, bytes: key.export() }));
  }

  function write(
    versions: { version: number; bytes: Uint8Array }[],
    place: (fresh: string, path: string) => void,
  ): void {
    const folder = resolve(dirname(path));
    const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
    const text = versions.map(
      ({ version, bytes }) => `${version}:${Buffer.from(bytes).toString("base64")}\n`,
    );
    const fresh = `${path}.${process.pid}`;
    writeFileSync(fresh, text.join(""), { mode: 0o600, flush: true });
    try {
      place(fresh, path);
    } finally {
      rmSync(fresh, { force: true });
    }
    flushNames(folder, made === undefined ? folder : dirname(resolve(made)));
  }
}

/**
 * Makes the names in a folder, and in those above it up to `top`, survive a power cut: without, the database could
 * keep what is wrapped under a key whose file is gone (fsync(2): syncing a file does not sync its directory entry).
 */
function flushNames(folder: string, top: string): void {
  if (process.platform === "win32") return; // which flushes no folders
  const open = openSync(folder, "r");
  try {
    fsyncSync(open);
  } finally {
    closeSync(open);
  }
  if (folder !== top) flushNames(dirname(folder), top);
}

/** Like a rename, but whoever was first stays: keys may have been wrapped under theirs already. */
function placeFirst(fresh: string, path: string): void {
  try {
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function ring(keys: () => readonly WrappingKey[]): Pick<MasterKeyProvider, "current" | "get"> {
  return {
    current() {
      const [newest] = keys();
      if (newest === undefined) throw vaultErrors.noMasterKey("the master key is empty");
      return newest;
    },
    get(version) {
      const key = keys().find((candidate) => candidate.version === version);
      if (key === undefined) throw vaultErrors.unknownMasterVersion(version);
      return key;
    },
  };
}

function parse(where: string, text: string): WrappingKey[] {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  const keys = parts.map((part) => {
    const [, version = parts.length === 1 ? "1" : "", base64 = ""] =
      /^(?:(\d{1,9}):)?([A-Za-z0-9+/]{43}=)$/.exec(part) ?? [];
    const bytes = Buffer.from(base64, "base64");
    if (version === "" || bytes.length !== 32) throw vaultErrors.malformedMasterKey(where);
    return { version: Number(version), key: createSecretKey(bytes) };
  });
  const versions = new Set(keys.map(({ version }) => version));
  if (keys.length === 0 || versions.size !== keys.length) throw vaultErrors.malformedMasterKey(where);
  return keys.sort((a, b) => b.version - a.version);
}
