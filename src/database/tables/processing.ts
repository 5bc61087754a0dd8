import { pg } from "../drizzle.ts";
import { across, appRole, controllerId, instant, isolation, lethe, runtimeRole } from "./shared.ts";

/** The kill switch: while the hub's row is there, no step of any workflow begins, in whichever process. */
export const processingStop = lethe.table(
  "processing_stop",
  {
    controllerId: controllerId().primaryKey(),
    /** The chain of the log that says of its beginning and its end. */
    workflowId: pg.uuid("workflow_id").notNull(),
    reason: pg.text("reason").notNull(),
    stoppedAt: instant("stopped_at").notNull().defaultNow(),
  },
  () => [isolation(appRole), across(runtimeRole, "select")],
);
