import postgres from "postgres";
import { inject } from "vitest";
import { type Database, type OpenDatabase, openDatabase, serverOf } from "#database";
import { TEMPLATE } from "./cluster.ts";

export interface TestDatabase extends OpenDatabase {
  /** For `DATABASE_URL` of a child process. */
  readonly url: string;
  readonly database: Database;
  /** A session with the superuser's hand, which no policy binds. */
  superuser<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T>;
  /** The same in sessions that are kept, for what is asked again and again: it must leave no setting behind. */
  readonly sql: postgres.Sql;
  drop(): Promise<void>;
}

let count = 0;

/** A database of the test's own: real PostgreSQL, migrated, empty. */
export async function freshDatabase(server = inject("server")): Promise<TestDatabase> {
  const name = `lethe_test_${process.pid}_${count++}`;
  await asAdmin(server, (sql) => sql.unsafe(`create database ${name} template ${TEMPLATE}`));
  const url = withDatabase(server, name);
  const opened = await openDatabase({ url, dataDir: "/nonexistent" });
  const sql = adminOf(url, 2);
  return {
    ...opened,
    ...{ url, sql },
    superuser: (work) => asAdmin(url, work),
    drop: async () => {
      await opened.close();
      await sql.end({ timeout: 1 });
      await asAdmin(server, (sql) => sql.unsafe(`drop database ${name} with (force)`));
    },
  };
}

/** Connects when it is first asked something. */
function adminOf(server: string, max: number): postgres.Sql {
  const { url = "", ...options } = serverOf(server);
  return postgres(url, { ...options, max, onnotice: () => {}, connection: { search_path: "lethe, public" } });
}

async function asAdmin<T>(server: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = adminOf(server, 1);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function withDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
