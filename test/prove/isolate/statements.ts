import type { HUB_ROLES } from "#database";
import type { Companies, Company } from "./companies.ts";

export type Role = (typeof HUB_ROLES)[number];

/** SQL that somebody who got at one of the hub's sessions might try, in a transaction of one controller's, about another's. */
export interface Statement {
  readonly what: string;
  readonly role: Role;
  readonly table: string;
  readonly text: string;
  /** Whether rows that it counts are harm: those of the other that it changed. */
  readonly counts: boolean;
  /** Errors that would tell of a row which is not there for this controller. */
  readonly telling: readonly string[];
}

/** Where a role's task spans controllers, by table and what it may do there. Everywhere else it sees one controller's rows or none. */
const ACROSS: readonly { role: Role; tables: RegExp; writes: boolean }[] = [
  { role: "lethe_intake", tables: /^(controller|connection)$/, writes: false },
  { role: "lethe_runtime", tables: /^runtime_/, writes: true },
  // Whether everything is stopped, which is nobody's in particular.
  { role: "lethe_runtime", tables: /^processing_stop$/, writes: false },
  { role: "lethe_sequencer", tables: /^audit_/, writes: true },
];

export const spans = (role: Role, table: string, writing: boolean): boolean =>
  ACROSS.some((one) => one.role === role && one.tables.test(table) && (one.writes || !writing));

interface Way {
  readonly text: (table: string, other: Company) => string;
  readonly writes?: true;
  readonly telling?: readonly string[];
}

const DIVISION_BY_ZERO = "22012";
const UNIQUE_VIOLATION = "23505";
/** What the function below raises. */
const SEEN = "P0001";

/** A function that is as cheap as can be, so that the planner would like to ask it first, and tells what it is given. */
const LEAKY = (other: Company) => `
  create function pg_temp.peek(seen text) returns bool language plpgsql cost 0.0000001 as
  $$ begin if seen like '%${other.id}%' then raise exception 'seen'; end if; return true; end $$;`;

const WAYS: Readonly<Record<string, Way>> = {
  all: { text: (t) => `select t::text from lethe.${t} t` },
  "the other's": { text: (t, { id }) => `select t::text from lethe.${t} t where controller_id = '${id}'` },
  "anything but its own": {
    text: (t) =>
      `select t::text from lethe.${t} t where controller_id <> current_setting('app.current_controller_id')::uuid`,
  },
  "a join": {
    text: (t) =>
      `select o::text from lethe.${t} t left join lethe.${t} o on o.controller_id <> t.controller_id`,
  },
  "a join that hides its condition": {
    text: (t, { id }) =>
      `select o::text from (values ('${id}'::uuid)) v(id) left join lateral (select * from lethe.${t} where controller_id = v.id) o on true where o is not null`,
  },
  "a CTE": {
    text: (t, { id }) =>
      `with all_of as materialized (select * from lethe.${t}) select a::text from all_of a where controller_id = '${id}'`,
  },
  "a subquery": {
    text: (t, { id }) =>
      `select (select string_agg(t::text, ',') from lethe.${t} t where controller_id = '${id}')`,
  },
  "whether there is one": {
    text: (t, { id }) =>
      `select 1 / (case when exists (select from lethe.${t} where controller_id = '${id}') then 0 else 1 end)`,
    telling: [DIVISION_BY_ZERO],
  },
  "a place on disk": {
    text: (t) =>
      `select t::text from lethe.${t} t where ctid in (select format('(0,%s)', n)::tid from generate_series(1, 40) n)`,
  },
  "a lock": {
    text: (t, { id }) => `select t::text from lethe.${t} t where controller_id = '${id}' for update`,
  },
  "a set operation": {
    text: (t) => `select t::text from lethe.${t} t union all select t::text from only lethe.${t} t`,
  },
  "a cursor": {
    text: (t) => `declare c no scroll cursor for select t::text from lethe.${t} t; fetch all from c`,
  },
  "a copy": { text: (t) => `copy lethe.${t} to '/dev/null'` },
  "a leaky function": {
    text: (t, other) => `${LEAKY(other)} select t::text from lethe.${t} t where pg_temp.peek(t::text)`,
    telling: [SEEN],
  },
  "a leaky function in a join": {
    text: (t, other) =>
      `${LEAKY(other)} select t::text from lethe.${t} t join lethe.${t} o on pg_temp.peek(o::text)`,
    telling: [SEEN],
  },
  "a division that tells": {
    text: (t, { id }) =>
      `select t::text from lethe.${t} t where 1 / (case when controller_id = '${id}' then 0 else 1 end) = 1`,
    telling: [DIVISION_BY_ZERO],
  },
  "what the planner knows": {
    text: (t) =>
      `select most_common_vals::text, histogram_bounds::text from pg_stats where schemaname = 'lethe' and tablename = '${t}'`,
  },
  update: {
    text: (t, { id }) => `update lethe.${t} set controller_id = controller_id where controller_id = '${id}'`,
    writes: true,
  },
  "update returning": {
    text: (t) => `update lethe.${t} t set controller_id = controller_id returning t::text`,
    writes: true,
  },
  "a leaky update": {
    text: (t, other) =>
      `${LEAKY(other)} update lethe.${t} t set controller_id = controller_id where pg_temp.peek(t::text)`,
    writes: true,
    telling: [SEEN],
  },
  "moved to the other": {
    text: (t, { id }) => `update lethe.${t} set controller_id = '${id}'`,
    writes: true,
  },
  delete: { text: (t, { id }) => `delete from lethe.${t} where controller_id = '${id}'`, writes: true },
  "delete returning": { text: (t) => `delete from lethe.${t} t returning t::text`, writes: true },
  "a delete in a CTE": {
    text: (t, { id }) =>
      `with gone as (delete from lethe.${t} t where controller_id = '${id}' returning *) select g::text from gone g`,
    writes: true,
  },
  "insert for the other": {
    text: (t, other) => `insert into lethe.${t} ${copyOf(t, other, other.id)}`,
    writes: true,
  },
  upsert: {
    text: (t, other) => `insert into lethe.${t} ${copyOf(t, other, other.id)} on conflict do nothing`,
    writes: true,
  },
  merge: {
    text: (t, { id }) =>
      `merge into lethe.${t} t using (values ('${id}'::uuid)) v(id) on t.controller_id = v.id when matched then delete`,
    writes: true,
  },
  "insert of the other's keys as its own": {
    text: (t, other) => `insert into lethe.${t} ${copyOf(t, other, "")}`,
    writes: true,
    telling: [UNIQUE_VIOLATION],
  },
};

/** Tried for every role and table, however little time there is. */
export const PLAINEST = ["all", "insert of the other's keys as its own"];

/** The other's row, under the given controller, or under one's own. */
function copyOf(table: string, { rows }: Company, controller: string): string {
  const row = (rows.get(table) ?? "").replaceAll("'", "''");
  const id = controller === "" ? "current_setting('app.current_controller_id')" : `'${controller}'`;
  return `overriding system value select (json_populate_record(null::lethe.${table}, (jsonb '${row}' || jsonb_build_object('controller_id', ${id}))::json)).*`;
}

/** Every way, for every role and table, about `other`. */
export function statements({ tables }: Companies, roles: readonly Role[], other: Company): Statement[] {
  return roles.flatMap((role) =>
    tables.flatMap((table) =>
      Object.entries(WAYS)
        .filter(([, { writes }]) => !spans(role, table, writes === true))
        .map(([what, { text, writes, telling = [] }]) => ({
          ...{ what, role, table, telling },
          text: text(table, other),
          counts: writes === true && !ITS_OWN.includes(what),
        })),
    ),
  );
}

/** Ways that may well change rows: the controller's own. What they return is looked at. */
const ITS_OWN = [
  "update returning",
  "delete returning",
  "a leaky update",
  "insert of the other's keys as its own",
];

/** What none of the roles may do. Whatever came of it, other controllers' rows must stay out of sight. */
export const UNALLOWED: readonly string[] = [
  ...[
    "lethe_owner",
    "postgres",
    "pg_read_all_data",
    "pg_write_all_data",
    "lethe_hub",
    "none",
    "lethe_intake",
    "lethe_runtime",
    "lethe_sequencer",
  ].map((role) => `set role ${role}`),
  "reset role",
  "reset all",
  "discard all",
  "set session authorization lethe_owner",
  "set session authorization postgres",
  "set session authorization default",
  "set row_security = off",
  "set session_replication_role = replica",
  "alter table lethe.subject disable row level security",
  "alter table lethe.subject no force row level security",
  "alter table lethe.subject owner to current_user",
  "drop policy controller_isolation_lethe_app on lethe.subject",
  "alter policy controller_isolation_lethe_app on lethe.subject using (true)",
  "create policy open on lethe.subject using (true)",
  "grant select on lethe.subject to public",
  "alter role current_user bypassrls",
  "alter role lethe_app superuser",
  "grant lethe_owner to current_user",
  "create function lethe.all_of() returns setof lethe.subject language sql security definer as 'select * from lethe.subject'",
  "create view lethe.everybody as select * from lethe.subject",
  "create temp view everybody as select * from lethe.subject",
  "create table lethe.children () inherits (lethe.subject)",
  "create rule everybody as on insert to lethe.subject do also select 1",
  "create trigger everybody before insert on lethe.subject for each row execute function lethe.refuse_change()",
  "truncate lethe.subject",
  "lock table lethe.subject in access exclusive mode",
  "copy lethe.subject to program 'true'",
  "select pg_read_file('PG_VERSION')",
  "select lo_import('/etc/hostname')",
  "create extension dblink",
  "load 'auto_explain'",
  "reassign owned by lethe_owner to current_user",
  "drop owned by lethe_owner",
  "update pg_class set relrowsecurity = false",
  "update pg_policy set polqual = null",
  "alter system set row_security = off",
  "do $$ begin execute 'set role lethe_owner'; end $$",
  "set search_path = pg_temp, lethe",
];
