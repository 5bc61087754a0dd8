import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
  for (;;) {
    try {
      writeFileSync(path, JSON.stringify(mine), { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = runningHub(dataDir);
      if (holder !== undefined)
        throw new LetheError(
          "hub/already-running",
          `a hub already runs on ${dataDir} (process ${holder.pid}${holder.url === null ? "" : `, ${holder.url}`}); stop it, or set LETHE_DATA_DIR to another directory`,
        );
      removeStale(path);
    }
  }
  return {
    announce: (url) => {
      writeFileSync(`${path}.new`, JSON.stringify({ ...mine, url }), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
    release: () => rmSync(path, { force: true }),
  };
}

/** The hub that runs on the data directory, if one does. */
export function runningHub(dataDir: string): Holder | undefined {
  if (!existsSync(lockPath(dataDir))) return undefined;
  try {
    const holder = Holder.parse(JSON.parse(readFileSync(lockPath(dataDir), "utf8")));
    const itself = holder.pid === process.pid;
    return !itself && isAlive(holder.pid) && startOf(holder.pid) === holder.started ? holder : undefined;
  } catch {
    return undefined; // half-written by a process that died
  }
}

/** By renaming, so that of two starts that find the same stale lock only one removes it. */
function removeStale(path: string): void {
  try {
    renameSync(path, `${path}.${process.pid}.stale`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  rmSync(`${path}.${process.pid}.stale`, { force: true });
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
