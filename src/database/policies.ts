import type postgres from "postgres";
import { HUB_ROLES, OWNER } from "./roles.ts";

/** A hole in the isolation of controllers, as found in the catalogue. */
export interface PolicyFault {
  readonly object: string;
  readonly fault: string;
}

/**
 * Tables that a role may read or write across controllers; everywhere else a policy must name the
 * transaction's controller. They hold ids, keyed hashes and sealed or public values only.
 */
const ACROSS: Record<string, readonly string[]> = {
  lethe_intake: ["controller", "connection"],
  lethe_runtime: [
    "runtime_event",
    "runtime_run",
    "runtime_step",
    "runtime_queue",
    "runtime_wait",
    "runtime_cron",
    "processing_stop",
  ],
  lethe_sequencer: [
    "audit_event",
    "audit_leaf",
    "audit_tile",
    "audit_log",
    "audit_checkpoint",
    "audit_sequencer",
  ],
};

/** Walks the catalogue of schema `lethe` for anything that would let one controller's rows reach another. */
export async function findPolicyFaults(sql: postgres.Sql | postgres.TransactionSql): Promise<PolicyFault[]> {
  const found = await sql<{ object: string; fault: string }[]>`
    with tables as (
      select c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relacl
      from pg_class c where c.relnamespace = 'lethe'::regnamespace and c.relkind in ('r', 'p')
    ), hub as (
      select oid, rolname, rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname = any(${[...HUB_ROLES]}::text[])
    )
    select relname::text as object, 'row-level security is off' as fault from tables where not relrowsecurity
    union all select relname::text, 'row-level security is not FORCEd on the owner' from tables where not relforcerowsecurity
    union all select relname::text, 'has no policy' from tables t
      where not exists (select from pg_policy p where p.polrelid = t.oid and p.polpermissive)
    union all select relname::text, 'lacks a controller_id that is NOT NULL' from tables t
      where not exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'controller_id' and a.attnotnull)
    union all select i.indexrelid::regclass::text, 'a unique key that does not start with controller_id tells one controller of another''s rows'
      from pg_index i join tables t on t.oid = i.indrelid
      where i.indisunique and not exists (
        select from pg_attribute a where a.attrelid = t.oid and a.attnum = i.indkey[0] and a.attname = 'controller_id')
    union all select conname::text, 'a foreign key that does not start with controller_id accepts another controller''s row'
      from pg_constraint k join tables t on t.oid = k.conrelid
      where k.contype = 'f' and not exists (
        select from pg_attribute a where a.attrelid = t.oid and a.attnum = k.conkey[1] and a.attname = 'controller_id')
    union all select p.polname || ' on ' || t.relname, 'a policy for PUBLIC' from pg_policy p join tables t on t.oid = p.polrelid
      where 0 = any(p.polroles)
    union all select c.relname::text, 'a view that runs with its owner''s rights (security_invoker is off)' from pg_class c
      where c.relnamespace = 'lethe'::regnamespace and c.relkind in ('v', 'm')
        and not coalesce('security_invoker=true' = any(c.reloptions) or 'security_invoker=on' = any(c.reloptions), false)
    union all select p.proname::text, 'a SECURITY DEFINER function' from pg_proc p
      where p.pronamespace = 'lethe'::regnamespace and p.prosecdef
    union all select rolname::text, 'is a superuser' from hub where rolsuper
    union all select rolname::text, 'has BYPASSRLS' from hub where rolbypassrls
    union all select h.rolname::text, 'owns ' || t.relname from hub h join tables t on t.relowner = h.oid
    union all select rolname::text, 'may become the owner' from hub where pg_has_role(oid, ${OWNER}, 'MEMBER')
    union all select coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), a.privilege_type || ' on ' || t.relname || ' ignores policies'
      from tables t cross join lateral aclexplode(t.relacl) a
      where a.grantee <> t.relowner and a.privilege_type in ('TRUNCATE', 'TRIGGER', 'REFERENCES', 'MAINTAIN')
    union all select 'PUBLIC', a.privilege_type || ' on ' || t.relname from tables t cross join lateral aclexplode(t.relacl) a
      where a.grantee = 0`;
  return [...found, ...(await openPolicies(sql))];
}

/** Policies that do not name the transaction's controller, beyond the tables where that is the role's task. */
async function openPolicies(sql: postgres.Sql | postgres.TransactionSql): Promise<PolicyFault[]> {
  const policies = await sql<{ table: string; name: string; role: string; rule: string }[]>`
    select c.relname as table, p.polname as name, r.rolname as role,
      coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as rule
    from pg_policy p join pg_class c on c.oid = p.polrelid join pg_roles r on r.oid = any(p.polroles)
    -- A restrictive one lets nobody see more.
    where c.relnamespace = 'lethe'::regnamespace and p.polpermissive`;
  return policies
    .filter(({ rule }) => !/^\(controller_id = \( SELECT .*app\.current_controller_id/.test(rule))
    .filter(({ table, role }) => !(ACROSS[role] ?? []).includes(table))
    .map(({ table, name, role }) => ({
      object: `${name} on ${table}`,
      fault: `lets ${role} see every controller's rows`,
    }));
}
