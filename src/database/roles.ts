import type postgres from "postgres";

/** Owns schema and tables and migrates them. Nobody logs in as it. */
export const OWNER = "lethe_owner";

/** What the hub runs as, by task. None owns anything, none can bypass row-level security. */
export const HUB_ROLES = ["lethe_app", "lethe_intake", "lethe_runtime", "lethe_sequencer"] as const;
export type HubRole = (typeof HUB_ROLES)[number];

/**
 * Creates the roles where they are missing and lets the current user become them. Roles belong to the whole
 * cluster, so another database's start may do the same at the same time.
 */
export async function ensureRoles(sql: postgres.Sql): Promise<void> {
  for (const role of [OWNER, ...HUB_ROLES]) {
    await sql.unsafe(`
      do $$ begin
        if not exists (select from pg_roles where rolname = '${role}') then
          create role ${role} nologin noinherit nosuperuser nocreatedb nocreaterole nobypassrls;
        end if;
      exception when duplicate_object or unique_violation then null;
      end $$;
      do $$ begin
        if not pg_has_role(current_user, '${role}', ${MAY_BECOME}) then
          execute format('grant ${role} to %I', current_user);
        end if;
      end $$;`);
  }
  await sql.unsafe(`do $$ begin
    execute format('grant create on database %I to ${OWNER}', current_database());
  end $$`);
}

/** Since PostgreSQL 16, who makes a role is a member of it and yet may not become it. */
const MAY_BECOME =
  "case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end";

/** The login of the embedded cluster: may become each of the hub's roles, and nothing else. */
export async function ensureHubLogin(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    do $$ begin
      if not exists (select from pg_roles where rolname = 'lethe_hub') then
        create role lethe_hub login noinherit nosuperuser nocreatedb nocreaterole nobypassrls;
      end if;
    exception when duplicate_object or unique_violation then null;
    end $$;
    grant ${HUB_ROLES.join(", ")} to lethe_hub;`);
}
