import { spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { databaseErrors } from "../errors.ts";
import { postgresBinaries } from "./binaries.ts";
import { unprivilegedUser } from "./system-user.ts";

/** A PostgreSQL cluster in a folder: its files, and how to start and signal its postmaster. */
export interface Cluster {
  readonly folder: string;
  readonly log: string;
  /** Starts a postmaster; returns at once. Two at a time are harmless: the second finds the first's lock and exits. */
  spawn(): void;
  /** Process id of the running postmaster, if any. */
  pid(): number | undefined;
  /** Fast shutdown: ends sessions, checkpoints, exits. Resolves when the process is gone. */
  shutdown(): Promise<void>;
}

/**
 * The server reaches its own files through its working directory, because the path to it may be closed to
 * the user that it runs as (root's home, a `mktemp -d`). Only root changes user, and root has Linux here.
 */
const OWN_DIRECTORY = "/proc/self/cwd";

/** Tuned for a shared small machine. Nothing of a statement may reach the log: parameters could be sealed values or hashes. */
const SETTINGS = {
  listen_addresses: "",
  unix_socket_directories: ".",
  unix_socket_permissions: "0700",
  max_connections: "100",
  shared_buffers: "128MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "1GB",
  checkpoint_timeout: "10min",
  autovacuum_naptime: "15s",
  jit: "off",
  log_min_messages: "warning",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off",
} as const;

/** The cluster in `<dataDir>/postgres`, initialised on first use. */
export function openCluster(dataDir: string): Cluster {
  if (process.platform === "win32")
    throw databaseErrors.notEmbeddable("it is reached through a Unix socket, which Windows lacks");
  const user = unprivilegedUser();
  const binaries = postgresBinaries(user);
  const folder = join(dataDir, "postgres");
  const log = join(dataDir, "postgres.log");
  const lock = join(folder, "postmaster.pid");
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  const directory = user === undefined ? folder : OWN_DIRECTORY;
  const environment = { PATH: process.env.PATH ?? "", LC_ALL: "C", TZ: "UTC" };
  if (!existsSync(join(folder, "PG_VERSION"))) initialise();

  return { folder, log, spawn: spawnPostmaster, pid, shutdown };

  function initialise(): void {
    // Built beside its place and renamed: a crash half-way leaves nothing that looks like a cluster, and of two
    // that begin at once one is used.
    const fresh = `${folder}.new-${process.pid}`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true, mode: 0o700 });
    if (user !== undefined) chownSync(fresh, user.uid, user.gid);
    const done = spawnSync(
      join(binaries, "bin/initdb"),
      [
        "-D",
        user === undefined ? fresh : OWN_DIRECTORY,
        "-U",
        "postgres",
        "--auth=peer",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
        ...syncMethod(),
      ],
      { cwd: fresh, env: environment, encoding: "utf8", ...identity },
    );
    if (done.status !== 0) {
      rmSync(fresh, { recursive: true, force: true });
      throw databaseErrors.notEmbeddable(
        done.error?.message ?? done.stderr.trim().split("\n").at(-1) ?? "initdb failed",
      );
    }
    // Peer: only the operating-system user who runs the hub gets in, over the socket, without a password.
    const me = userInfo().username;
    writeFileSync(join(fresh, "pg_hba.conf"), "local all all peer map=hub\n");
    writeFileSync(join(fresh, "pg_ident.conf"), `hub "${me}" postgres\nhub "${me}" lethe_hub\n`);
    try {
      renameSync(fresh, folder);
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      if (!existsSync(join(folder, "PG_VERSION"))) throw error;
    }
  }

  function spawnPostmaster(): void {
    forgetStaleLock();
    const output = openSync(log, "a", 0o600);
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    // A process group of its own: Ctrl-C in the terminal must reach the hub only, which then stops the database last.
    const child = spawn(join(binaries, "bin/postgres"), ["-D", directory, ...settings], {
      cwd: folder,
      env: environment,
      detached: true,
      stdio: ["ignore", output, output],
      ...identity,
    });
    child.on("error", () => {}); // the caller sees that no postmaster answers
    child.unref();
    closeSync(output);
  }

  function pid(): number | undefined {
    const recorded = recordedPid();
    return recorded !== undefined && isPostgres(recorded) ? recorded : undefined;
  }

  function recordedPid(): number | undefined {
    try {
      return Number(readFileSync(lock, "utf8").split("\n")[0]);
    } catch {
      return undefined;
    }
  }

  async function shutdown(): Promise<void> {
    const postmaster = pid();
    if (postmaster === undefined) return;
    process.kill(postmaster, "SIGINT");
    while (recordedPid() === postmaster && isPostgres(postmaster)) await sleep(5);
  }

  /** After a kill -9 the recorded process id may belong to something else by now; PostgreSQL would then refuse to start. */
  function forgetStaleLock(): void {
    const recorded = recordedPid();
    if (recorded !== undefined && !isPostgres(recorded)) rmSync(lock, { force: true });
  }
}

/** `syncfs` makes a fresh cluster durable in one call instead of one a file. */
function syncMethod(): string[] {
  return process.platform === "linux" ? ["--sync-method=syncfs"] : [];
}

/** Whether a live process of this id is a PostgreSQL server; where /proc is missing, whether it is live at all. */
function isPostgres(pid: number): boolean {
  if (existsSync("/proc/self/stat")) {
    try {
      const [, name, state] = /^\d+ \((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      return name === "postgres" && state !== "Z";
    } catch {
      return false;
    }
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
