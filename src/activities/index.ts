export { listActivities, type NewActivity, recordActivities } from "./record.ts";
