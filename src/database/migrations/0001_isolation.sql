-- What drizzle-kit does not write: FORCE, grants, append-only triggers, storage.

do $$
declare t regclass;
begin
  for t in select c.oid::regclass from pg_class c where c.relnamespace = 'lethe'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table %s force row level security', t);
  end loop;
end $$;
--> statement-breakpoint
grant usage on schema lethe to lethe_app, lethe_intake, lethe_runtime, lethe_sequencer;
--> statement-breakpoint
grant select, insert, update on lethe.controller, lethe.controller_key, lethe.connection to lethe_app;
--> statement-breakpoint
grant select, insert, update on lethe.subject, lethe.candidate_link, lethe.delivery to lethe_app;
--> statement-breakpoint
grant select, insert on lethe.identifier, lethe.identifier_source, lethe.platform_reference, lethe.object_reference, lethe.subject_merge to lethe_app;
--> statement-breakpoint
grant select, insert, delete on lethe.delivery_payload to lethe_app;
--> statement-breakpoint
-- Ledgers: the hub adds to them and never changes them.
grant select, insert on lethe.processing_activity, lethe.consent_record, lethe.rights_request, lethe.audit_event to lethe_app;
--> statement-breakpoint
grant select on lethe.audit_leaf, lethe.audit_tile, lethe.audit_log, lethe.audit_checkpoint to lethe_app;
--> statement-breakpoint
grant select, insert on lethe.runtime_event to lethe_app;
--> statement-breakpoint
-- The door: finds a connection and its keys, and adds to the inbox. It can read no record.
grant select (controller_id, environment, did) on lethe.controller to lethe_intake;
--> statement-breakpoint
grant select on lethe.connection, lethe.controller_key to lethe_intake;
--> statement-breakpoint
grant insert on lethe.delivery, lethe.delivery_payload, lethe.runtime_event to lethe_intake;
--> statement-breakpoint
grant select (controller_id, id) on lethe.delivery to lethe_intake;
--> statement-breakpoint
grant select, insert, update, delete on lethe.runtime_event, lethe.runtime_run, lethe.runtime_step, lethe.runtime_queue, lethe.runtime_wait, lethe.runtime_cron to lethe_runtime;
--> statement-breakpoint
grant select, insert on lethe.audit_event, lethe.audit_leaf, lethe.audit_tile, lethe.audit_checkpoint to lethe_sequencer;
--> statement-breakpoint
grant select, insert, update on lethe.audit_log, lethe.audit_sequencer to lethe_sequencer;
--> statement-breakpoint
create function lethe.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the table % is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
--> statement-breakpoint
do $$
declare t text;
begin
  foreach t in array array['audit_event', 'audit_leaf', 'audit_tile', 'audit_checkpoint']
  loop
    execute format('create trigger append_only before update or delete or truncate on lethe.%I for each statement execute function lethe.refuse_change()', t);
    execute format('alter table lethe.%I enable always trigger append_only', t);
  end loop;
end $$;
--> statement-breakpoint
-- Ciphertext does not compress, and a sealed webhook of up to 8 KB is read back whole within seconds: keep it in the row.
alter table lethe.delivery_payload alter column sealed set storage external, set (toast_tuple_target = 8160);
--> statement-breakpoint
-- Rows that live for seconds: vacuum by count, not by share of the table.
do $$
declare t text;
begin
  foreach t in array array['delivery_payload', 'runtime_event', 'runtime_queue', 'runtime_wait']
  loop
    execute format('alter table lethe.%I set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)', t);
  end loop;
end $$;
--> statement-breakpoint
-- Until a table is first analysed, the planner takes `controller_id = …` to be selective and ids to repeat, and reads
-- all of a controller's rows to join them with a handful of keys. PostgreSQL 18 can be told better; older ones learn
-- it from their first ANALYZE.
do $$
declare c record;
begin
  if current_setting('server_version_num')::int < 180000 then return; end if;
  for c in
    select t.relname as table, a.attname as column, case when a.attname = 'controller_id' then 1 else -1 end as n_distinct
    from pg_class t join pg_attribute a on a.attrelid = t.oid
    where t.relnamespace = 'lethe'::regnamespace and t.relkind = 'r'
      and a.attname in ('controller_id', 'id', 'delivery_id', 'subject_id', 'workflow_id', 'run_id', 'hash')
  loop
    execute format('select pg_restore_attribute_stats(%L, %L, %L, %L, %L, %L, %L, false, %L, 0::real, %L, 16, %L, %s::real)',
      'schemaname', 'lethe', 'relname', c.table, 'attname', c.column, 'inherited', 'null_frac', 'avg_width', 'n_distinct', c.n_distinct);
  end loop;
end $$;
