CREATE TABLE "lethe"."delivery_event" (
	"controller_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"dedupe" "bytea" NOT NULL,
	"delivery_id" uuid NOT NULL,
	CONSTRAINT "delivery_event_controller_id_connection_id_dedupe_pk" PRIMARY KEY("controller_id","connection_id","dedupe")
);
--> statement-breakpoint
ALTER TABLE "lethe"."delivery_event" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "lethe"."connection" ADD COLUMN "configuration" jsonb;--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."delivery_event" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
-- What drizzle-kit does not write: FORCE, grants, and what the planner is told before a first ANALYZE (see 0001).
alter table lethe.delivery_event force row level security;--> statement-breakpoint
grant select, insert on lethe.delivery_event to lethe_app;--> statement-breakpoint
do $$
declare c record;
begin
  if current_setting('server_version_num')::int < 180000 then return; end if;
  for c in select * from (values ('controller_id', 1), ('dedupe', -1)) as t(attname, n_distinct)
  loop
    execute format('select pg_restore_attribute_stats(%L, %L, %L, %L, %L, %L, %L, false, %L, 0::real, %L, 16, %L, %s::real)',
      'schemaname', 'lethe', 'relname', 'delivery_event', 'attname', c.attname, 'inherited', 'null_frac', 'avg_width', 'n_distinct', c.n_distinct);
  end loop;
end $$;
