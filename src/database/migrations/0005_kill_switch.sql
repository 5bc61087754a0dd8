CREATE TABLE "lethe"."processing_stop" (
	"controller_id" uuid PRIMARY KEY NOT NULL,
	"workflow_id" uuid NOT NULL,
	"reason" text NOT NULL,
	"stopped_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "lethe"."processing_stop" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "controller_isolation_lethe_app" ON "lethe"."processing_stop" AS PERMISSIVE FOR ALL TO "lethe_app" USING ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)) WITH CHECK ("controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "across_controllers_lethe_runtime" ON "lethe"."processing_stop" AS PERMISSIVE FOR SELECT TO "lethe_runtime" USING (true);--> statement-breakpoint
-- What drizzle-kit does not write: FORCE and grants (see 0001).
alter table lethe.processing_stop force row level security;--> statement-breakpoint
-- Commands throw the switch; the runtime, in whichever process, looks at it and no more.
grant select, insert, delete on lethe.processing_stop to lethe_app;--> statement-breakpoint
grant select on lethe.processing_stop to lethe_runtime;
--> statement-breakpoint
-- Retention: what is told of requests and deliveries goes when its years are over (docs/operations.md).
grant delete on lethe.rights_request, lethe.rights_task, lethe.rights_notice, lethe.rights_move, lethe.delivery, lethe.delivery_event to lethe_app;
