import { Temporal } from "temporal-polyfill";
import { isHoliday } from "./holidays.ts";
import type { Period } from "./rules.ts";

/** A calendar day, wherever that is. */
export type Day = Temporal.PlainDate;

/** The day that it was in a time zone at an instant (ISO 8601 with an offset). */
export function dayOf(instant: string, timeZone: string): Day {
  return Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone).toPlainDate();
}

/**
 * The last millisecond of a day in a time zone, ISO 8601 in UTC: at it there still is time, a millisecond later there is none. It is
 * found from the next day's beginning, which is not always 00:00: where clocks are put forward at midnight there is no such time.
 */
export function endOf(day: Day, timeZone: string): string {
  const next = day.add({ days: 1 }).toZonedDateTime({ timeZone }).epochMilliseconds;
  return new Date(next - 1).toISOString();
}

/**
 * The last day of a period that begins with an event on `day`. The day of the event does not count, so that a month ends on the day
 * of the same number, or on the month's last if it has none (Regulation 1182/71 Art. 3(1), (2)(c),
 * https://eur-lex.europa.eu/eli/reg/1971/1182/oj; of EU and UK law alike, and of 11 CCR's "days after receipt").
 *
 * A last day that is a Saturday, a Sunday or a holiday is *not* moved to the next working day, although Art. 3(4) and the EDPB's
 * Guidelines 01/2022 (section 5.3) would have it so, and the ICO: whose holidays count is a matter of dispute, and the earlier date is the safe one.
 */
export function lastDayOf(period: Period, day: Day, holidays: string): Day {
  if ("months" in period) return day.add({ months: period.months }); // the month's last day if it has none of that number
  if ("days" in period) return day.add({ days: period.days });
  let last = day;
  for (let left = period.businessDays; left > 0; ) {
    last = last.add({ days: 1 });
    if (last.dayOfWeek <= 5 && !isHoliday(last.toString(), holidays)) left -= 1;
  }
  return last;
}

/** Whole days from one to the other; negative if the other comes first. */
export function daysBetween(from: Day, until: Day): number {
  return from.until(until, { largestUnit: "days" }).days;
}

/** Negative if `a` comes first, 0 for the same day. */
export function compare(a: Day, b: Day): number {
  return Temporal.PlainDate.compare(a, b);
}

export function later(a: Day, b: Day): Day {
  return compare(a, b) < 0 ? b : a;
}

/** Of instants (ISO 8601, at least one), the latest. */
export function latest(first: string, ...others: readonly string[]): string {
  return others.reduce((last, one) => (Date.parse(one) > Date.parse(last) ? one : last), first);
}

/** Whether it is a time zone of the IANA database. An offset is none: it does not know when clocks are changed. */
export function isTimeZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}
