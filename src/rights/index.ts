export { type Clock, type ClockFacts, clockOf } from "./clock/clock.ts";
export { rightToComplain } from "./clock/complaint.ts";
export { isTimeZone } from "./clock/days.ts";
export { knowsHolidays } from "./clock/holidays.ts";
export { type Reminder, remindersOf } from "./clock/reminders.ts";
export { DPDP_MAXIMUM_DAYS, needsVerification, type OwnPeriods } from "./clock/rules.ts";
export {
  listRightsRequests,
  type NewRightsRequest,
  type RecordedRequest,
  recordRightsRequests,
} from "./requests.ts";
