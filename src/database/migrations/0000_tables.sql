CREATE SCHEMA "lethe";
--> statement-breakpoint
CREATE TABLE "lethe"."audit_checkpoint" (
	"controller_id" uuid NOT NULL,
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "lethe"."audit_checkpoint_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"size" bigint NOT NULL,
	"note" text NOT NULL,
	CONSTRAINT "audit_checkpoint_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."audit_checkpoint" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."audit_event" (
	"controller_id" uuid NOT NULL,
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "lethe"."audit_event_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"workflow_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"entry" "bytea" NOT NULL,
	CONSTRAINT "audit_event_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."audit_event" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."audit_leaf" (
	"controller_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"event_id" bigint NOT NULL,
	"event_xid" "xid8" NOT NULL,
	"leaf" "bytea" NOT NULL,
	CONSTRAINT "audit_leaf_controller_id_seq_pk" PRIMARY KEY("controller_id","seq")
);
--> statement-breakpoint
ALTER TABLE "lethe"."audit_leaf" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."audit_log" (
	"controller_id" uuid PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"frontier" "bytea" NOT NULL,
	"checkpointed" bigint DEFAULT 0 NOT NULL,
	"checkpointed_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "lethe"."audit_log" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."audit_sequencer" (
	"controller_id" uuid PRIMARY KEY NOT NULL,
	"cluster" text NOT NULL,
	"epoch" integer NOT NULL,
	"floor_id" bigint NOT NULL,
	"watermark_xid" "xid8" NOT NULL,
	"watermark_id" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "lethe"."audit_sequencer" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."audit_tile" (
	"controller_id" uuid NOT NULL,
	"level" integer NOT NULL,
	"index" bigint NOT NULL,
	"hashes" "bytea" NOT NULL,
	CONSTRAINT "audit_tile_controller_id_level_index_pk" PRIMARY KEY("controller_id","level","index")
);
--> statement-breakpoint
ALTER TABLE "lethe"."audit_tile" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."connection" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"connector" text NOT NULL,
	"account" text,
	"status" text DEFAULT 'active' NOT NULL,
	"secrets" "bytea" NOT NULL,
	"credentials" "bytea",
	"region" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "connection_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."connection" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."controller" (
	"controller_id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"environment" text NOT NULL,
	"did" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "lethe"."controller" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."controller_key" (
	"controller_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"version" integer NOT NULL,
	"master_version" integer NOT NULL,
	"wrapped" "bytea",
	"public_key" "bytea",
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"destroyed_at" timestamp with time zone,
	CONSTRAINT "controller_key_controller_id_purpose_version_pk" PRIMARY KEY("controller_id","purpose","version")
);
--> statement-breakpoint
ALTER TABLE "lethe"."controller_key" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."candidate_link" (
	"controller_id" uuid NOT NULL,
	"first_subject" uuid NOT NULL,
	"second_subject" uuid NOT NULL,
	"reason" text NOT NULL,
	"delivery_id" uuid NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "candidate_link_controller_id_first_subject_second_subject_reason_pk" PRIMARY KEY("controller_id","first_subject","second_subject","reason")
);
--> statement-breakpoint
ALTER TABLE "lethe"."candidate_link" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."identifier" (
	"controller_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"scope" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"subject_id" uuid NOT NULL,
	"key_version" integer NOT NULL,
	"normaliser" text NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "identifier_controller_id_hash_kind_scope_subject_id_pk" PRIMARY KEY("controller_id","hash","kind","scope","subject_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."identifier" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."identifier_source" (
	"controller_id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"kind" text NOT NULL,
	"connection_id" uuid NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "identifier_source_controller_id_subject_id_hash_kind_connection_id_pk" PRIMARY KEY("controller_id","subject_id","hash","kind","connection_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."identifier_source" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."object_reference" (
	"controller_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"subject_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "object_reference_controller_id_connection_id_hash_pk" PRIMARY KEY("controller_id","connection_id","hash")
);
--> statement-breakpoint
ALTER TABLE "lethe"."object_reference" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."platform_reference" (
	"controller_id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "platform_reference_controller_id_subject_id_connection_id_hash_pk" PRIMARY KEY("controller_id","subject_id","connection_id","hash")
);
--> statement-breakpoint
ALTER TABLE "lethe"."platform_reference" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."subject" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"did" text NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"merged_into" uuid,
	"sealed_key" "bytea" NOT NULL,
	"audit_reference" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "subject_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."subject" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."subject_merge" (
	"controller_id" uuid NOT NULL,
	"merged_subject" uuid NOT NULL,
	"surviving_subject" uuid NOT NULL,
	"delivery_id" uuid NOT NULL,
	"moved" uuid[] NOT NULL,
	"merged_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "subject_merge_controller_id_merged_subject_surviving_subject_delivery_id_pk" PRIMARY KEY("controller_id","merged_subject","surviving_subject","delivery_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."subject_merge" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."delivery" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"connector" text NOT NULL,
	"topic" text,
	"dedupe" "bytea" NOT NULL,
	"body_mac" "bytea",
	"status" text DEFAULT 'received' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"error_code" text,
	"error_message" text,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"processed_at" timestamp with time zone,
	CONSTRAINT "delivery_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."delivery" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."delivery_payload" (
	"controller_id" uuid NOT NULL,
	"delivery_id" uuid NOT NULL,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "delivery_payload_controller_id_delivery_id_pk" PRIMARY KEY("controller_id","delivery_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."delivery_payload" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."consent_record" (
	"controller_id" uuid NOT NULL,
	"delivery_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"subject_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"state" text NOT NULL,
	"nature" text NOT NULL,
	"method" text NOT NULL,
	"lawful_basis" text NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "consent_record_controller_id_delivery_id_ordinal_pk" PRIMARY KEY("controller_id","delivery_id","ordinal")
);
--> statement-breakpoint
ALTER TABLE "lethe"."consent_record" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."processing_activity" (
	"controller_id" uuid NOT NULL,
	"delivery_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"subject_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"activity" text NOT NULL,
	"purpose" text NOT NULL,
	"lawful_basis" text NOT NULL,
	"data_categories" text[] NOT NULL,
	"recipient" text NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "processing_activity_controller_id_delivery_id_ordinal_pk" PRIMARY KEY("controller_id","delivery_id","ordinal")
);
--> statement-breakpoint
ALTER TABLE "lethe"."processing_activity" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."rights_request" (
	"controller_id" uuid NOT NULL,
	"delivery_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"id" uuid NOT NULL,
	"kind" text NOT NULL,
	"scope" text NOT NULL,
	"subject_id" uuid,
	"connection_id" uuid NOT NULL,
	"status" text DEFAULT 'received' NOT NULL,
	"details" "bytea" NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	CONSTRAINT "rights_request_controller_id_delivery_id_ordinal_pk" PRIMARY KEY("controller_id","delivery_id","ordinal")
);
--> statement-breakpoint
ALTER TABLE "lethe"."rights_request" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."runtime_cron" (
	"controller_id" uuid NOT NULL,
	"function_id" text NOT NULL,
	"schedule" text NOT NULL,
	"next_at" timestamp with time zone NOT NULL,
	CONSTRAINT "runtime_cron_controller_id_function_id_pk" PRIMARY KEY("controller_id","function_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."runtime_cron" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."runtime_event" (
	"controller_id" uuid NOT NULL,
	"id" text NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "lethe"."runtime_event_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"keep" boolean DEFAULT false NOT NULL,
	"locked_until" timestamp with time zone,
	"dispatched_at" timestamp with time zone,
	CONSTRAINT "runtime_event_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."runtime_event" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."runtime_queue" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"function_id" text NOT NULL,
	"kind" text NOT NULL,
	"step_id" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"run_at" timestamp with time zone DEFAULT now() NOT NULL,
	"lease" uuid,
	"locked_until" timestamp with time zone,
	"worker" integer,
	"concurrency_key" text,
	CONSTRAINT "runtime_queue_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."runtime_queue" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."runtime_run" (
	"controller_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"function_id" text NOT NULL,
	"status" text NOT NULL,
	"events" jsonb NOT NULL,
	"output" jsonb,
	"planning" boolean DEFAULT false NOT NULL,
	"parent_run" uuid,
	"parent_step" text,
	"idempotency_key" text,
	"concurrency_key" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	CONSTRAINT "runtime_run_controller_id_id_pk" PRIMARY KEY("controller_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."runtime_run" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."runtime_step" (
	"controller_id" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"id" text NOT NULL,
	"position" integer,
	"result" jsonb,
	"race" boolean DEFAULT false NOT NULL,
	CONSTRAINT "runtime_step_controller_id_run_id_id_pk" PRIMARY KEY("controller_id","run_id","id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."runtime_step" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lethe"."runtime_wait" (
	"controller_id" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"step_id" text NOT NULL,
	"event_name" text NOT NULL,
	"expression" text,
	"expires_at" timestamp with time zone,
	CONSTRAINT "runtime_wait_controller_id_run_id_step_id_pk" PRIMARY KEY("controller_id","run_id","step_id")
);
--> statement-breakpoint
ALTER TABLE "lethe"."runtime_wait" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "lethe"."connection" ADD CONSTRAINT "connection_controller_id_controller_controller_id_fk" FOREIGN KEY ("controller_id") REFERENCES "lethe"."controller"("controller_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lethe"."controller_key" ADD CONSTRAINT "controller_key_controller_id_controller_controller_id_fk" FOREIGN KEY ("controller_id") REFERENCES "lethe"."controller"("controller_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lethe"."identifier" ADD CONSTRAINT "identifier_controller_id_subject_id_subject_controller_id_id_fk" FOREIGN KEY ("controller_id","subject_id") REFERENCES "lethe"."subject"("controller_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lethe"."identifier_source" ADD CONSTRAINT "identifier_source_controller_id_subject_id_subject_controller_id_id_fk" FOREIGN KEY ("controller_id","subject_id") REFERENCES "lethe"."subject"("controller_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lethe"."platform_reference" ADD CONSTRAINT "platform_reference_controller_id_subject_id_subject_controller_id_id_fk" FOREIGN KEY ("controller_id","subject_id") REFERENCES "lethe"."subject"("controller_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "audit_event_chain" ON "lethe"."audit_event" USING btree ("controller_id","workflow_id","position");--> statement-breakpoint
CREATE INDEX "audit_event_order" ON "lethe"."audit_event" USING btree ("xid","id");--> statement-breakpoint
CREATE INDEX "connection_account" ON "lethe"."connection" USING btree ("controller_id","connector","account");--> statement-breakpoint
CREATE UNIQUE INDEX "identifier_one_subject" ON "lethe"."identifier" USING btree ("controller_id","hash","kind","scope") WHERE kind in ('email', 'platform_id');--> statement-breakpoint
CREATE INDEX "identifier_subject" ON "lethe"."identifier" USING btree ("controller_id","subject_id");--> statement-breakpoint
CREATE INDEX "subject_merged" ON "lethe"."subject" USING btree ("controller_id","merged_into") WHERE merged_into is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "delivery_once" ON "lethe"."delivery" USING btree ("controller_id","connection_id","dedupe");--> statement-breakpoint
CREATE INDEX "delivery_unsettled" ON "lethe"."delivery" USING btree ("controller_id","status","id") WHERE status in ('received', 'failed');--> statement-breakpoint
CREATE INDEX "consent_record_subject" ON "lethe"."consent_record" USING btree ("controller_id","subject_id","purpose");--> statement-breakpoint
CREATE INDEX "processing_activity_subject" ON "lethe"."processing_activity" USING btree ("controller_id","subject_id");--> statement-breakpoint
CREATE UNIQUE INDEX "rights_request_id" ON "lethe"."rights_request" USING btree ("controller_id","id");--> statement-breakpoint
CREATE INDEX "rights_request_due" ON "lethe"."rights_request" USING btree ("controller_id","due_at") WHERE status = 'received';--> statement-breakpoint
CREATE INDEX "runtime_event_pending" ON "lethe"."runtime_event" USING btree ("seq") WHERE dispatched_at is null;--> statement-breakpoint
CREATE INDEX "runtime_queue_due" ON "lethe"."runtime_queue" USING btree ("run_at");--> statement-breakpoint
CREATE INDEX "runtime_queue_run" ON "lethe"."runtime_queue" USING btree ("controller_id","run_id");--> statement-breakpoint
CREATE INDEX "runtime_queue_leased" ON "lethe"."runtime_queue" USING btree ("function_id","concurrency_key") WHERE lease is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "runtime_run_once" ON "lethe"."runtime_run" USING btree ("controller_id","function_id","idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX "runtime_run_unfinished" ON "lethe"."runtime_run" USING btree ("controller_id","function_id") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "runtime_run_finished" ON "lethe"."runtime_run" USING btree ("finished_at") WHERE status <> 'running';--> statement-breakpoint
CREATE INDEX "runtime_wait_event" ON "lethe"."runtime_wait" USING btree ("event_name");--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."audit_checkpoint" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_sequencer" ON "lethe"."audit_checkpoint" AS PERMISSIVE FOR ALL TO "lethe_sequencer" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."audit_event" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_sequencer" ON "lethe"."audit_event" AS PERMISSIVE FOR ALL TO "lethe_sequencer" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."audit_leaf" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_sequencer" ON "lethe"."audit_leaf" AS PERMISSIVE FOR ALL TO "lethe_sequencer" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."audit_log" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_sequencer" ON "lethe"."audit_log" AS PERMISSIVE FOR ALL TO "lethe_sequencer" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_sequencer" ON "lethe"."audit_sequencer" AS PERMISSIVE FOR ALL TO "lethe_sequencer" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."audit_tile" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_sequencer" ON "lethe"."audit_tile" AS PERMISSIVE FOR ALL TO "lethe_sequencer" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."connection" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_intake" ON "lethe"."connection" AS PERMISSIVE FOR SELECT TO "lethe_intake" USING (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."controller" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_intake" ON "lethe"."controller" AS PERMISSIVE FOR SELECT TO "lethe_intake" USING (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."controller_key" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_intake" ON "lethe"."controller_key" AS PERMISSIVE FOR ALL TO "lethe_intake" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."candidate_link" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."identifier" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."identifier_source" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."object_reference" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."platform_reference" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."subject" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."subject_merge" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."delivery" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_intake" ON "lethe"."delivery" AS PERMISSIVE FOR ALL TO "lethe_intake" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."delivery_payload" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_intake" ON "lethe"."delivery_payload" AS PERMISSIVE FOR ALL TO "lethe_intake" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."consent_record" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."processing_activity" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."rights_request" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_runtime" ON "lethe"."runtime_cron" AS PERMISSIVE FOR ALL TO "lethe_runtime" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."runtime_event" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_intake" ON "lethe"."runtime_event" AS PERMISSIVE FOR ALL TO "lethe_intake" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_runtime" ON "lethe"."runtime_event" AS PERMISSIVE FOR ALL TO "lethe_runtime" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_runtime" ON "lethe"."runtime_queue" AS PERMISSIVE FOR ALL TO "lethe_runtime" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_runtime" ON "lethe"."runtime_run" AS PERMISSIVE FOR ALL TO "lethe_runtime" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_runtime" ON "lethe"."runtime_step" AS PERMISSIVE FOR ALL TO "lethe_runtime" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_runtime" ON "lethe"."runtime_wait" AS PERMISSIVE FOR ALL TO "lethe_runtime" USING (true) WITH CHECK (true);