CREATE INDEX "delivery_event_delivery" ON "lethe"."delivery_event" USING btree ("controller_id","delivery_id");--> statement-breakpoint
CREATE INDEX "runtime_event_waiting" ON "lethe"."runtime_event" USING btree ("name","controller_id","seq") WHERE dispatched_at is null;--> statement-breakpoint
CREATE POLICY "deletable_lethe_app" ON "lethe"."delivery" AS RESTRICTIVE FOR DELETE TO "lethe_app" USING (status in ('processed', 'ignored', 'expired'));--> statement-breakpoint
CREATE POLICY "deletable_lethe_app" ON "lethe"."rights_move" AS RESTRICTIVE FOR DELETE TO "lethe_app" USING (not exists (select from lethe.rights_request r where r.id = request_id));--> statement-breakpoint
CREATE POLICY "deletable_lethe_app" ON "lethe"."rights_notice" AS RESTRICTIVE FOR DELETE TO "lethe_app" USING (not exists (select from lethe.rights_request r where r.id = request_id));--> statement-breakpoint
CREATE POLICY "deletable_lethe_app" ON "lethe"."rights_request" AS RESTRICTIVE FOR DELETE TO "lethe_app" USING (closed_at is not null);--> statement-breakpoint
CREATE POLICY "deletable_lethe_app" ON "lethe"."rights_task" AS RESTRICTIVE FOR DELETE TO "lethe_app" USING (not exists (select from lethe.rights_request r where r.id = request_id));
