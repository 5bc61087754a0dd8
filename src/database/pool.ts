import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import { drizzle } from "./drizzle.ts";
import { databaseErrors } from "./errors.ts";

/** A session with the server, lent to one transaction at a time. */
export interface Session {
  readonly sql: postgres.Sql;
  readonly db: PostgresJsDatabase;
}

export interface Pool {
  /** Lends a session for as long as `work` takes; waits for one while all are lent. */
  lend<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (session: Session) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A pool of clients with one session each. A session that breaks takes its client with it, so that nothing meant
 * for it can reach the server later, by another session and outside its transaction. postgres.js's own pool opens
 * a lost session again under the transaction that it was reserved for (see docs/decisions.md).
 */
export function openPool(options: {
  open: (onclose: () => void) => postgres.Sql;
  /** Sessions at most. */
  most: number;
  /** Milliseconds after which a session is taken for dead: the server's own time limit should have come first. */
  giveUpAfter: number;
}): Pool {
  const all = new Set<Session>();
  const idle: Session[] = [];
  const waiting: Waiting[] = [];
  let closed = false;

  return {
    async lend(work) {
      const session = await take();
      const deadline = setTimeout(() => lose(session), options.giveUpAfter);
      try {
        return await work(session);
      } finally {
        clearTimeout(deadline);
        giveBack(session);
      }
    },
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(databaseErrors.unavailable());
      await Promise.all([...all].map(({ sql }) => sql.end({ timeout: 2 })));
    },
  };

  async function take(): Promise<Session> {
    if (closed) throw databaseErrors.unavailable();
    return (
      idle.pop() ??
      (all.size < options.most ? open() : new Promise((resolve, reject) => waiting.push({ resolve, reject })))
    );
  }

  function open(): Session {
    const sql = options.open(() => lose(session));
    const session = { sql, db: drizzle(sql) };
    all.add(session);
    return session;
  }

  function giveBack(session: Session): void {
    if (!all.has(session)) return;
    const next = waiting.shift();
    if (next === undefined) idle.push(session);
    else next.resolve(session);
  }

  function lose(session: Session): void {
    if (!all.delete(session) || closed) return;
    const place = idle.indexOf(session);
    if (place >= 0) idle.splice(place, 1);
    void session.sql.end({ timeout: 0 });
    waiting.shift()?.resolve(open());
  }
}
