import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { LetheError } from "#schemas";

const Holder = z.object({ pid: z.int(), started: z.string(), url: z.string().nullable() });
export type Holder = z.infer<typeof Holder>;

/**
 * Makes this process the only hub on the data directory, or throws `hub/already-running`. A lock whose process is
 * gone (kill -9, power) does not count.
 */
export function lockDataDir(dataDir: string): { announce(url: string): void; release(): void } {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = lockPath(dataDir);
  const mine: Holder = { pid: process.pid, started: startOf(process.pid), url: null };
  take(path, mine);
  return {
    announce: (url) => {
      writeFileSync(`${path}.new`, JSON.stringify({ ...mine, url }), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
    release: () => {
      const holder = readLock(path)?.holder;
      if (holder?.pid === mine.pid && holder.started === mine.started) rmSync(path, { force: true });
    },
  };
}

/** The hub that runs on the data directory, if one does. */
export function runningHub(dataDir: string): Holder | undefined {
  return runningHolder(readLock(lockPath(dataDir)));
}

function take(path: string, mine: Holder): void {
  while (!place(path, mine)) {
    const holder = runningHolder(readLock(path));
    if (holder !== undefined)
      throw new LetheError(
        "hub/already-running",
        `a hub already runs on ${dirname(path)} (process ${holder.pid}${holder.url === null ? "" : `, ${holder.url}`}); stop it, or set LETHE_DATA_DIR to another directory`,
      );
    removeStale(path, mine);
  }
}

/** Puts a lock where none is. By linking, so that nobody ever reads half of one. */
function place(path: string, mine: Holder): boolean {
  const draft = `${path}.${mine.pid}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes a lock whose process is gone, under a lock for that alone: of two starts that found the same stale lock,
 * the slower one would otherwise remove what the faster one has put in its place. While this process has its turn,
 * nobody else can remove a stale lock, nor place one over it.
 */
function removeStale(path: string, mine: Holder): void {
  const turn = `${path}.turn`;
  take(turn, mine);
  try {
    const lock = readLock(path);
    if (lock !== undefined && runningHolder(lock) === undefined) rmSync(path);
  } finally {
    rmSync(turn);
  }
}

/** What the lock says, in one reading; undefined if there is none, `holder` undefined if it is no lock's text. */
function readLock(path: string): { holder: Holder | undefined } | undefined {
  try {
    return { holder: Holder.parse(JSON.parse(readFileSync(path, "utf8"))) };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : { holder: undefined };
  }
}

function runningHolder(lock: ReturnType<typeof readLock>): Holder | undefined {
  const holder = lock?.holder;
  if (holder === undefined || holder.pid === process.pid) return undefined;
  return isAlive(holder.pid) && startOf(holder.pid) === holder.started ? holder : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started, in clock ticks since boot: process ids are used again, this pair is not. Empty where /proc is missing. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "dead, and its parent does not know yet" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

const lockPath = (dataDir: string) => join(dataDir, "hub.lock");
