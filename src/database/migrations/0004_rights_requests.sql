CREATE TABLE "lethe"."erased_sighting" (
	"controller_id" uuid NOT NULL,
	"delivery_id" uuid NOT NULL,
	"connection_id" uuid,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "erased_sighting_controller_id_delivery_id_pk" PRIMARY KEY("controller_id","delivery_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."erased_sighting" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."tombstone" (
	"controller_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"scope" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"learnt" boolean DEFAULT false NOT NULL,
	"erased_on" date DEFAULT current_date NOT NULL,
	CONSTRAINT "tombstone_controller_id_hash_kind_scope_pk" PRIMARY KEY("controller_id","hash","kind","scope")
);
--> statement-breakpoint
ALTER TABLE "lethe"."tombstone" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."legal_hold" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"ground" text NOT NULL,
	"reference" text NOT NULL,
	"placed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"released_at" timestamp with time zone,
	CONSTRAINT "legal_hold_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."legal_hold" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."rights_bundle" (
	"controller_id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"sealed" "bytea" NOT NULL,
	"size" integer NOT NULL,
	"downloads" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "rights_bundle_controller_id_request_id_pk" PRIMARY KEY("controller_id","request_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."rights_bundle" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."rights_challenge" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"used_at" timestamp with time zone,
	CONSTRAINT "rights_challenge_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."rights_challenge" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."rights_move" (
	"controller_id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"from_status" text,
	"to_status" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"note" "bytea",
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rights_move_controller_id_request_id_position_pk" PRIMARY KEY("controller_id","request_id","position")
);
--> statement-breakpoint
ALTER TABLE "lethe"."rights_move" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."rights_notice" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"notice" text NOT NULL,
	"challenge_id" uuid,
	"status" text DEFAULT 'open' NOT NULL,
	"error_code" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"announced_at" timestamp with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp with time zone,
	CONSTRAINT "rights_notice_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."rights_notice" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."rights_part" (
	"controller_id" uuid NOT NULL,
	"task_id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "rights_part_controller_id_task_id_pk" PRIMARY KEY("controller_id","task_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."rights_part" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."rights_task" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"connection_id" uuid,
	"status" text DEFAULT 'open' NOT NULL,
	"reason" text,
	"error_code" text,
	"error_message" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"round" integer DEFAULT 0 NOT NULL,
	"entries" integer,
	"asked" "bytea",
	"basis" text,
	"categories" jsonb,
	"until_at" timestamp with time zone,
	"actor" text,
	"note" "bytea",
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"announced_at" timestamp with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp with time zone,
	CONSTRAINT "rights_task_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."rights_task" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP INDEX "lethe"."rights_request_id";--> statement-breakpoint
DROP INDEX "lethe"."rights_request_due";--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" DROP CONSTRAINT "rights_request_controller_id_delivery_id_ordinal_pk";--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ALTER COLUMN "delivery_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ALTER COLUMN "ordinal" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ALTER COLUMN "connection_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ALTER COLUMN "details" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ALTER COLUMN "due_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD CONSTRAINT "rights_request_controller_id_id_pk" PRIMARY KEY("controller_id","id");--> statement-breakpoint
ALTER TABLE "lethe"."controller" ADD COLUMN "regime" text DEFAULT 'gdpr' NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."controller" ADD COLUMN "time_zone" text DEFAULT 'UTC' NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."controller" ADD COLUMN "holidays" text DEFAULT 'US' NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."controller" ADD COLUMN "dpdp_days" integer DEFAULT 90 NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."subject" ADD COLUMN "restricted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lethe"."subject" ADD COLUMN "restriction" text;--> statement-breakpoint
ALTER TABLE "lethe"."subject" ADD COLUMN "restricted_by" uuid;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "source" text DEFAULT 'platform' NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "regime" text DEFAULT 'platform' NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "contact" "bytea";--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "verification" text;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "denial_reason" text;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "extension_reason" text;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "acknowledged_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "verified_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "closed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "pauses" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "platform_days" integer;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "acknowledge_by" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "clock_round" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "lifted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ADD COLUMN "announced_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE INDEX "legal_hold_subject" ON "lethe"."legal_hold" USING btree ("controller_id","subject_id");--> statement-breakpoint
CREATE INDEX "rights_challenge_request" ON "lethe"."rights_challenge" USING btree ("controller_id","request_id");--> statement-breakpoint
CREATE INDEX "rights_notice_request" ON "lethe"."rights_notice" USING btree ("controller_id","request_id");--> statement-breakpoint
CREATE INDEX "rights_part_request" ON "lethe"."rights_part" USING btree ("controller_id","request_id");--> statement-breakpoint
CREATE UNIQUE INDEX "rights_task_once" ON "lethe"."rights_task" USING btree ("controller_id","request_id","connection_id");--> statement-breakpoint
CREATE UNIQUE INDEX "rights_task_own" ON "lethe"."rights_task" USING btree ("controller_id","request_id") WHERE connection_id is null;--> statement-breakpoint
CREATE UNIQUE INDEX "rights_request_delivery" ON "lethe"."rights_request" USING btree ("controller_id","delivery_id","ordinal");--> statement-breakpoint
CREATE INDEX "rights_request_subject" ON "lethe"."rights_request" USING btree ("controller_id","subject_id") WHERE subject_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "rights_request_in_progress" ON "lethe"."rights_request" USING btree ("controller_id","contact","kind") WHERE closed_at is null;--> statement-breakpoint
CREATE INDEX "rights_request_due" ON "lethe"."rights_request" USING btree ("controller_id","due_at");--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."erased_sighting" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."tombstone" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."legal_hold" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."rights_bundle" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."rights_challenge" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."rights_move" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."rights_notice" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."rights_part" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."rights_task" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
-- What drizzle-kit does not write: FORCE, grants, and what the planner is told before a first ANALYZE (see 0001).
do $$
declare t text;
begin
  foreach t in array array['erased_sighting', 'tombstone', 'legal_hold', 'rights_bundle', 'rights_challenge', 'rights_move', 'rights_notice', 'rights_part', 'rights_task']
  loop
    execute format('alter table lethe.%I force row level security', t);
  end loop;
end $$;--> statement-breakpoint
grant select, insert, update on lethe.rights_request, lethe.rights_task, lethe.rights_notice, lethe.rights_challenge, lethe.legal_hold to lethe_app;--> statement-breakpoint
grant select, insert on lethe.rights_move, lethe.erased_sighting to lethe_app;--> statement-breakpoint
grant select, insert, update, delete on lethe.rights_part, lethe.rights_bundle, lethe.tombstone to lethe_app;--> statement-breakpoint
grant delete on lethe.rights_challenge to lethe_app;--> statement-breakpoint
-- Erasure: what names the person goes; ledgers stay as they are, but for whose they are, and what the evidence of a choice is called elsewhere.
grant delete on lethe.subject, lethe.identifier, lethe.identifier_source, lethe.platform_reference, lethe.object_reference, lethe.subject_merge, lethe.candidate_link to lethe_app;--> statement-breakpoint
grant delete on lethe.legal_hold to lethe_app;--> statement-breakpoint
grant update (subject_id) on lethe.processing_activity to lethe_app;--> statement-breakpoint
grant update (subject_id, evidence) on lethe.consent_record to lethe_app;--> statement-breakpoint
-- The owner is held to the policies, too, while they are forced.
alter table lethe.rights_request no force row level security;--> statement-breakpoint
-- What platforms asked for until now was left to somebody, who may have done it: so nothing starts it but an operator.
update lethe.rights_request set platform_days = greatest(1, round(extract(epoch from due_at - received_at) / 86400))::int,
  announced_at = 'infinity';--> statement-breakpoint
alter table lethe.rights_request force row level security;--> statement-breakpoint
-- Large and encrypted: nothing to compress.
alter table lethe.rights_bundle alter column sealed set storage external;--> statement-breakpoint
do $$
declare c record;
begin
  if current_setting('server_version_num')::int < 180000 then return; end if;
  for c in select * from (values
    ('rights_request', 'controller_id', 1), ('rights_request', 'id', -1), ('rights_task', 'controller_id', 1), ('rights_task', 'id', -1),
    ('rights_task', 'request_id', -0.2), ('rights_move', 'controller_id', 1), ('rights_move', 'request_id', -0.2),
    ('rights_notice', 'controller_id', 1), ('rights_notice', 'id', -1), ('rights_challenge', 'controller_id', 1), ('rights_challenge', 'id', -1),
    ('tombstone', 'controller_id', 1), ('tombstone', 'hash', -1)) as t(relname, attname, n_distinct)
  loop
    execute format('select pg_restore_attribute_stats(%L, %L, %L, %L, %L, %L, %L, false, %L, 0::real, %L, 16, %L, %s::real)',
      'schemaname', 'lethe', 'relname', c.relname, 'attname', c.attname, 'inherited', 'null_frac', 'avg_width', 'n_distinct', c.n_distinct);
  end loop;
end $$;
