import { type ControllerId, HUB } from "#schemas";
import type { Companies, Company } from "./companies.ts";

/** What somebody may have put where the controller belongs. `own`: whose rows may be seen then. */
export function scopes({
  a,
  b,
}: Companies): { what: string; set: readonly string[]; own: ControllerId | undefined }[] {
  return [
    { what: "none", set: [], own: undefined },
    { what: "an empty one", set: [""], own: undefined },
    { what: "SQL", set: ["' or true --"], own: undefined },
    { what: "SQL that casts", set: [`${a.id}'::uuid or controller_id = '${b.id}`], own: undefined },
    { what: "two of them", set: [`${a.id},${b.id}`], own: undefined },
    { what: "a pattern", set: ["%"], own: undefined },
    { what: "one that is nobody's", set: [crypto.randomUUID()], own: undefined },
    { what: "the hub's", set: [HUB], own: HUB },
    { what: "one in capitals", set: [a.id.toUpperCase()], own: a.id },
    { what: "one in braces", set: [`{${a.id}}`], own: a.id },
    { what: "one without hyphens", set: [a.id.replaceAll("-", "")], own: a.id },
    { what: "one with a line after it", set: [`${a.id}\n${b.id}`], own: undefined },
    { what: "set twice", set: [b.id, a.id], own: a.id },
    { what: "set and emptied", set: [b.id, ""], own: undefined },
    { what: "set and spoiled", set: [b.id, "null"], own: undefined },
  ];
}

/** Ways in which a transaction ends before it should. */
export const ENDS: Readonly<Record<string, (companies: Companies, of: Company) => Promise<unknown>>> = {
  "an error of the database": ({ database }, { id }) =>
    database.inController(id, ({ sql }) => sql`select * from nowhere`),
  "an error of its own": ({ database }, { id }) =>
    database.inController(id, async ({ sql }) => {
      await sql`select * from subject`;
      throw new Error("stopped");
    }),
  "an error that it kept to itself": ({ database }, { id }) =>
    database.inController(id, async ({ sql }) => void (await sql`select 1 / 0`.catch(() => {}))),
  "a time limit": ({ database }, { id }) =>
    database.inController(id, async ({ sql }) => {
      await sql`set local statement_timeout = 1`;
      await sql`select pg_sleep(1)`;
    }),
  "a session that is killed": ({ database, rooms }, { id }) =>
    database.inController(id, async ({ sql }) => {
      const [own] = await sql<
        { pid: number }[]
      >`select pg_backend_pid() as pid, set_config('app.current_controller_id', ${id}, true)`;
      await rooms.sql`select pg_terminate_backend(${own?.pid ?? 0}, 1000)`;
      await sql`select * from subject`;
    }),
  "a rollback of its own": ({ database }, { id }) =>
    database.inController(id, ({ sql }) => sql.unsafe("rollback")),
  "a commit of its own": ({ database }, { id }) =>
    database.inController(id, ({ sql }) => sql.unsafe("commit")),
  "a savepoint left open": ({ database }, { id }) =>
    database.inController(id, ({ sql }) => sql.unsafe("savepoint one")),
  "the door's own": ({ database }, { id }) =>
    database.inController(id, ({ sql }) => sql`select count(*) from controller_key`, { as: "lethe_intake" }),
  "the door's own, failed": ({ database }, { id }) =>
    database.inController(id, ({ sql }) => sql`select * from subject`, { as: "lethe_intake" }),
};
