import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type postgres from "postgres";

/** What the hub holds at a moment in which it has nothing to do. */
export interface Sample {
  /** Deliveries that were acknowledged until then. */
  readonly deliveries: number;
  /** Milliseconds since the soak began. */
  readonly at: number;
  /** Bytes that are alive in the hub's heap and beside it, after its garbage is collected: all but compiled code. */
  readonly live: number;
  /** Bytes of compiled code. */
  readonly compiled: number;
  /** Bytes resident. */
  readonly resident: number;
  /** Open file descriptors, sockets among them. */
  readonly descriptors: number;
  /** Timers and whatever else keeps a process going. */
  readonly resources: number;
  /** Sessions in PostgreSQL. */
  readonly sessions: number;
  /** Bytes of all tables with their indexes. */
  readonly tables: number;
  /** Rows that nobody can see any more, and that vacuum has not been by for. */
  readonly dead: number;
  /** Bytes of write-ahead log of the whole cluster. */
  readonly log: number;
  /** Milliseconds of processor time of the hub. */
  readonly processor: number;
}

/** `heap` is the file that the hub writes to (`after-collection-preload.ts`). */
export async function takeSample(
  hub: { readonly pid: number },
  heap: string,
  sql: postgres.Sql,
  known: Pick<Sample, "deliveries" | "at">,
): Promise<Sample> {
  const processor = processorTime(hub.pid);
  const held = await afterCollection(hub.pid, heap);
  const [row] = await sql<Pick<Sample, "sessions" | "tables" | "dead" | "log">[]>`
    select (select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()) as sessions,
      (select sum(pg_total_relation_size(oid))::float8 from pg_class where relnamespace = 'lethe'::regnamespace and relkind = 'r') as tables,
      (select sum(n_dead_tup)::float8 from pg_stat_user_tables where schemaname = 'lethe') as dead,
      (pg_current_wal_lsn() - '0/0')::float8 as log`;
  if (row === undefined) throw new Error("PostgreSQL did not answer");
  return {
    ...{ ...known, ...row, ...held, processor },
    resident: statusOf(hub.pid) * 1_024,
    descriptors: readdirSync(`/proc/${hub.pid}/fd`).length,
  };
}

async function afterCollection(
  pid: number,
  file: string,
): Promise<Pick<Sample, "live" | "compiled" | "resources">> {
  rmSync(file, { force: true });
  process.kill(pid, "SIGUSR2");
  for (let waited = 0; !existsSync(file); waited += 5) {
    if (waited > 30_000) throw new Error("the hub does not say what it holds");
    await sleep(5);
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

function statusOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Linux counts in hundredths of a second (`man 5 proc_pid_stat`, USER_HZ). */
export function processorTime(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
