import type postgres from "postgres";
import { type ControllerTransaction, HUB_ROLES, withSession } from "#database";
import { type Companies, type Company, textOf } from "./companies.ts";
import { idsOf, QUERIES } from "./rooms.ts";
import { ENDS, scopes } from "./scopes.ts";
import { type Role, type Statement, spans, UNALLOWED } from "./statements.ts";

/** Undoes what an attempt did. */
class Undo extends Error {}

/** Makes attempts in the first controller's name on the second's rows, and keeps what leaked. */
export async function openAttempts(companies: Companies) {
  const { a, b, database, server, tables, rooms: test } = companies;
  const leaks: string[] = [];
  const count = { made: 0, refused: 0, own: 0 };
  const leaked = (what: string) => void leaks.push(what);
  const refused = (what: string, error: unknown) => {
    count.refused++;
    const { code = "" } = error as { code?: string };
    if (MISWRITTEN.includes(code)) leaked(`${what}: tries nothing (${code})`);
  };
  const shared = await uniqueAcross(test.sql);
  const readable = new Map<Role, string[]>();
  for (const role of HUB_ROLES) readable.set(role, await readableBy(role));
  return { leaks, count, leaked, pools, rooms, scopes: tryScopes, roles, statement };

  /** Whoever comes after somebody else on a session. */
  async function pools(): Promise<void> {
    const everywhere = distinct(readable.get("lethe_app") ?? []);
    const keys = distinct(
      (readable.get("lethe_intake") ?? []).filter((table) => !spans("lethe_intake", table, false)),
    );
    for (const [what, end] of Object.entries(ENDS)) {
      count.made++;
      await end(companies, b).catch((error: unknown) => refused(what, error));
      const seen = await Promise.all(
        Array.from({ length: 10 }, () => database.inController(a.id, ({ sql }) => sql.unsafe(everywhere))),
      );
      const left = await Promise.all(
        Array.from({ length: 5 }, () =>
          database.acrossControllers("lethe_intake", ({ sql }) => sql.unsafe(keys)),
        ),
      );
      if (seen.flat().some(({ id }) => id !== a.id))
        leaked(`after ${what}, the next transaction sees others' rows`);
      if (seen.some((rows) => rows.length !== 1))
        leaked(`after ${what}, the next transaction does not see its own rows`);
      if (left.flat().length > 0)
        leaked(`after ${what}, a transaction without a controller sees somebody's rows`);
    }
  }

  /** Every query of every room with the other's ids, and with its own, which must not be for nothing. */
  async function rooms(of: Company, other: Company): Promise<void> {
    for (const [what, query] of Object.entries(QUERIES)) {
      const ask = (ids: Company) => (tx: ControllerTransaction) => query(tx, of.keys, idsOf(ids));
      const own = await undone(of, ask(of));
      if (own !== undefined && shows(own, of)) count.own++;
      count.made++;
      const given = Object.values(idsOf(other)) as string[];
      const seen = await database.inController(of.id, ask(other)).catch((error: unknown) => String(error));
      if (shows(seen, other, given)) leaked(`${what} shows the other's rows`);
    }
  }

  async function tryScopes(): Promise<void> {
    for (const role of ["lethe_app", "lethe_intake"] as const)
      await inSession(role, async (sql) => {
        const mine = (readable.get(role) ?? []).filter((table) => !spans(role, table, false));
        for (const { what, set, own } of scopes(companies)) {
          count.made++;
          const rows = await sql
            .begin(async (tx) => {
              for (const one of set) await tx`select set_config('app.current_controller_id', ${one}, true)`;
              return tx.unsafe<{ id: string }[]>(distinct(mine));
            })
            .catch(() => [] as { id: string }[]);
          if (rows.some(({ id }) => id !== own)) leaked(`${role} sees rows with a forged scope: ${what}`);
          if (own === a.id && rows.length === 0) leaked(`${role} sees nothing with its own scope: ${what}`);
        }
      });
  }

  /** What a role may not do, tried; and what is in sight after it. */
  async function roles(): Promise<void> {
    for (const role of HUB_ROLES)
      await inSession(role, async (sql) => {
        for (const text of UNALLOWED) {
          count.made++;
          await sql
            .begin(async (tx) => {
              await tx`select set_config('app.current_controller_id', ${a.id}, true)`;
              await tx.unsafe(text);
              const [now] = await tx<{ role: string }[]>`select current_user as role`;
              for (const table of ["subject", "identifier", "connection", "rights_request", "audit_event"]) {
                const rows = await tx
                  .savepoint((inner) =>
                    inner.unsafe(`select from lethe.${table} where controller_id = '${b.id}'`),
                  )
                  .catch(() => []);
                if (rows.length > 0 && !spans((now?.role ?? "") as Role, table, false))
                  leaked(`${role} sees ${table} of the other after: ${text}`);
              }
              throw new Undo();
            })
            .catch((error: unknown) => {
              if (!(error instanceof Undo)) refused(`${role}, ${text}`, error);
            });
        }
      });
  }

  async function statement({ what, role, table, text, counts, telling }: Statement): Promise<void> {
    count.made++;
    const leak = (how: string) => leaked(`${role} on ${table}, ${what}: ${how}`);
    const work = async ({ sql }: { sql: postgres.ISql }) => {
      await sql`select set_config('app.current_controller_id', ${a.id}, true)`;
      const result = await sql.unsafe(text);
      if (counts && result.count > 0) leak(`changed ${result.count} rows`);
      if (shows([...result].flat(), b)) leak("shows a row");
      throw new Undo();
    };
    const done =
      role === "lethe_app" ? database.inController(a.id, work) : database.acrossControllers(role, work);
    await done.catch((error: unknown) => {
      if (error instanceof Undo) return;
      refused(`${role} on ${table}, ${what}`, error);
      const { code = "", constraint_name = "" } = error as { code?: string; constraint_name?: string };
      // That its own key is taken tells a controller nothing new.
      if (telling.includes(code) && (code !== UNIQUE || shared.has(constraint_name)))
        leak(`tells of a row (${code})`);
    });
  }

  /** In a transaction that is rolled back. Undefined if it failed. */
  async function undone<T>(
    of: Company,
    work: (tx: ControllerTransaction) => Promise<T>,
  ): Promise<T | undefined> {
    let result: T | undefined;
    await database
      .inController(of.id, async (tx) => {
        result = await work(tx);
        throw new Undo();
      })
      .catch(() => {});
    return result;
  }

  /** A session of the hub's login that has taken on the role, as the hub's own have. */
  function inSession(role: Role, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
    const connection = { ...server.connection, role, search_path: "lethe", statement_timeout: 10_000 };
    return withSession({ ...server, connection }, async (sql) => {
      const [who] = await sql<
        { role: string; login: string }[]
      >`select current_user as role, session_user as login`;
      if (who?.role !== role || who.login !== "lethe_hub") throw new Error("the session is not the hub's");
      await work(sql);
    });
  }

  async function readableBy(role: Role): Promise<string[]> {
    const rows = await test.sql<{ name: string }[]>`
      select name from unnest(${[...tables]}::text[]) name
      where has_table_privilege(${role}, format('lethe.%I', name), 'select') order by 1`;
    return rows.map(({ name }) => name);
  }
}

const UNIQUE = "23505";
/** Syntax, no such column or function, not supported: such a statement was refused for nothing. */
const MISWRITTEN = ["42601", "42703", "42883", "0A000"];

/** Whose rows are in sight. */
const distinct = (tables: readonly string[]) =>
  `select distinct controller_id::text as id from (${tables.map((table) => `select controller_id from lethe.${table}`).join(" union all ")}) t`;

/** Whether something of a controller's rows can be seen in it, beside what was said in the question. */
const shows = (seen: unknown, { marks }: Company, said: readonly string[] = []): boolean => {
  const text = textOf(seen);
  return marks.some((mark) => text.includes(mark) && !said.includes(mark));
};

/** Names of unique keys that do not begin with the controller. */
async function uniqueAcross(sql: postgres.Sql): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }[]>`
    select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indrelid
    join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
    where c.relnamespace = 'lethe'::regnamespace and i.indisunique and a.attname <> 'controller_id'`;
  return new Set(rows.map(({ name }) => name.replace(/^lethe\./, "")));
}
