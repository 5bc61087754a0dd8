export { forgetActivities, listActivities, type NewActivity, recordActivities } from "./record.ts";
