import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds of processor time since each began. */
export interface ProcessorTime {
  /** The hub's own thread, in which all of its JavaScript runs. */
  readonly hubThread: number;
  /** Its other threads: garbage collector, compiler, libuv. */
  readonly hubOthers: number;
  readonly postgres: number;
}

/** Linux counts in hundredths of a second, whatever the kernel's own clock is (`man 5 proc_pid_stat`, USER_HZ). */
const TICK = 10;

/** Of the hub and of every process of the PostgreSQL in its data directory; undefined where there is no /proc. */
export function processorTime(hub: number, dataDir: string): ProcessorTime | undefined {
  if (!existsSync("/proc/self/stat")) return undefined;
  const whole = stat(`/proc/${hub}/stat`).own;
  const thread = stat(`/proc/${hub}/task/${hub}/stat`).own;
  const postmaster = postmasterOf(dataDir);
  const { own, reaped } = stat(`/proc/${postmaster}/stat`);
  // What a session used that has ended is with the postmaster.
  const sessions = processes().filter(({ parent }) => parent === postmaster);
  return {
    hubThread: thread,
    hubOthers: whole - thread,
    postgres: own + reaped + sessions.reduce((sum, session) => sum + session.own, 0),
  };
}

/** Milliseconds of one process. */
export function processorTimeOf(pid: number): number {
  return existsSync("/proc/self/stat") ? stat(`/proc/${pid}/stat`).own : Number.NaN;
}

/** What was used between two looks. */
export function used(before: ProcessorTime | undefined, after: ProcessorTime | undefined) {
  if (before === undefined || after === undefined) return undefined;
  return {
    hubThread: after.hubThread - before.hubThread,
    hubOthers: after.hubOthers - before.hubOthers,
    postgres: after.postgres - before.postgres,
  };
}

/** Resident memory in MB; shared pages count in each process that has them. */
export function resident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
}

export function postmasterOf(dataDir: string): number {
  return Number(readFileSync(join(dataDir, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
}

interface Process {
  readonly parent: number;
  readonly own: number;
  /** Of children that have ended. */
  readonly reaped: number;
}

function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [stat(`/proc/${pid}/stat`)];
      } catch {
        return []; // ended meanwhile
      }
    });
}

function stat(file: string): Process {
  const text = readFileSync(file, "utf8");
  // The second field is a name in parentheses, which may hold blanks.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (place: number) => Number(fields[place - 3]);
  return {
    parent: field(4),
    own: (field(14) + field(15)) * TICK,
    reaped: (field(16) + field(17)) * TICK,
  };
}
