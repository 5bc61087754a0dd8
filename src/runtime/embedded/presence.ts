import { setTimeout as sleep } from "node:timers/promises";
import type { Database, Transaction } from "#database";

/** Upper half of the advisory locks that workers hold; the lower half is the worker's number. */
const PRESENCE = 0x1e7;
/** Milliseconds between looks for leases of workers that are gone. */
const EVERY = 1_000;

export interface Presence {
  /** Resolves once the others can see it. */
  readonly seen: Promise<void>;
  leave(): Promise<void>;
}

/**
 * Shows the other processes that this one lives, by a lock that its session holds and PostgreSQL lets go of when
 * the process dies. What it had leased (beside its `worker` number) is taken over in a second, not when
 * the lease runs out; leases remain for those who live and hang.
 */
export function showPresence(
  database: Database,
  worker: number,
  options: { released: () => void; onError: (error: unknown) => void },
): Presence {
  const leaving = new AbortController();
  const first = Promise.withResolvers<void>();
  const running = run();
  return {
    seen: first.promise,
    leave: () => {
      leaving.abort();
      return running;
    },
  };

  async function run(): Promise<void> {
    while (!leaving.signal.aborted) {
      await database.elect(PRESENCE * 2 ** 32 + worker, "lethe_runtime", stay).catch(options.onError);
      await pause();
    }
  }

  async function stay(session: { alive(): boolean }): Promise<void> {
    while (session.alive() && !leaving.signal.aborted) {
      if ((await database.acrossControllers("lethe_runtime", releaseAbandoned)) > 0) options.released();
      first.resolve();
      await pause();
    }
  }

  function pause(): Promise<void> {
    return sleep(EVERY, undefined, { signal: leaving.signal, ref: false }).catch(() => {});
  }
}

/** Ends the leases of workers that are no longer there. */
async function releaseAbandoned({ sql }: Transaction): Promise<number> {
  const { count } = await sql`
    update runtime_queue set lease = null, locked_until = null, worker = null where worker is not null and worker not in (
      select objid::bigint from pg_locks
      where locktype = 'advisory' and classid = ${PRESENCE} and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database()))`;
  return count;
}
