CREATE TABLE "lethe"."consent_contact" (
	"controller_id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"sealed" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "consent_contact_controller_id_subject_id_pk" PRIMARY KEY("controller_id","subject_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."consent_contact" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."consent_due" (
	"controller_id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "consent_due_controller_id_subject_id_purpose_pk" PRIMARY KEY("controller_id","subject_id","purpose")
);
--> statement-breakpoint
ALTER TABLE "lethe"."consent_due" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."consent_purpose" (
	"controller_id" uuid NOT NULL,
	"id" text NOT NULL,
	"title" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "consent_purpose_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."consent_purpose" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."consent_push" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"state" text NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"reason" text,
	"error_code" text,
	"error_message" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"round" integer DEFAULT 0 NOT NULL,
	"sent" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"requested_at" timestamp with time zone DEFAULT now() NOT NULL,
	"announced_at" timestamp with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp with time zone,
	CONSTRAINT "consent_push_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."consent_push" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" RENAME COLUMN "delivery_id" TO "workflow_id";--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" RENAME CONSTRAINT "consent_record_controller_id_delivery_id_ordinal_pk" TO "consent_record_controller_id_workflow_id_ordinal_pk";--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" ALTER COLUMN "connection_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."connection" ADD COLUMN "purposes" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."controller" ADD COLUMN "browser_secret_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" ADD COLUMN "source" text DEFAULT 'platform' NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" ADD COLUMN "jurisdiction" text;--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" ADD COLUMN "evidence" text;--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" ADD COLUMN "reported_at" timestamp with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "consent_push_open" ON "lethe"."consent_push" USING btree ("controller_id","subject_id","purpose","connection_id") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "consent_push_subject" ON "lethe"."consent_push" USING btree ("controller_id","subject_id","requested_at");--> statement-breakpoint
CREATE INDEX "consent_push_unsettled" ON "lethe"."consent_push" USING btree ("controller_id","status") WHERE status in ('open', 'failed', 'manual');--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."consent_contact" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."consent_due" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."consent_purpose" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."consent_push" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
-- What drizzle-kit does not write: FORCE, grants, and what the planner is told before a first ANALYZE (see 0001).
alter table lethe.consent_contact force row level security;--> statement-breakpoint
alter table lethe.consent_purpose force row level security;--> statement-breakpoint
alter table lethe.consent_push force row level security;--> statement-breakpoint
alter table lethe.consent_due force row level security;--> statement-breakpoint
grant select, insert on lethe.consent_purpose to lethe_app;--> statement-breakpoint
grant select, insert, update on lethe.consent_push to lethe_app;--> statement-breakpoint
grant select, insert, update, delete on lethe.consent_contact, lethe.consent_due to lethe_app;--> statement-breakpoint
grant update (browser_secret_version) on lethe.controller to lethe_app;--> statement-breakpoint
do $$
declare c record;
begin
  if current_setting('server_version_num')::int < 180000 then return; end if;
  for c in select * from (values
    ('consent_push', 'controller_id', 1), ('consent_push', 'id', -1), ('consent_push', 'subject_id', -0.3),
    ('consent_contact', 'controller_id', 1), ('consent_contact', 'subject_id', -1), ('consent_due', 'controller_id', 1), ('consent_due', 'subject_id', -1)) as t(relname, attname, n_distinct)
  loop
    execute format('select pg_restore_attribute_stats(%L, %L, %L, %L, %L, %L, %L, false, %L, 0::real, %L, 16, %L, %s::real)',
      'schemaname', 'lethe', 'relname', c.relname, 'attname', c.attname, 'inherited', 'null_frac', 'avg_width', 'n_distinct', c.n_distinct);
  end loop;
end $$;
