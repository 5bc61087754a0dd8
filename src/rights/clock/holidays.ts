import { createRequire } from "node:module";
import type Holidays from "date-holidays";
import { clockErrors } from "./errors.ts";

/**
 * Whether a day (`YYYY-MM-DD`) is a public holiday, the whole of it, in a country (`US`), a part of it (`DE-BY`) or a part of that.
 * Fewer holidays make earlier deadlines, so that optional, school and half days are none; what is observed on another day because it
 * falls on a weekend (5 U.S.C. §6103(b)) is one.
 */
export function isHoliday(day: string, calendar: string): boolean {
  return holidaysOf(calendar, Number(day.slice(0, 4))).has(day);
}

/** Whether the holidays of such a country, or part of one, are known. */
export function knowsHolidays(calendar: string): boolean {
  const [country, state, region, more] = calendar.split("-");
  if (country === undefined || more !== undefined) return false;
  const known = new (library())();
  const has = (names: object | undefined, name: string) => Object.hasOwn(names ?? {}, name);
  return (
    has(known.getCountries(), country) &&
    (state === undefined || has(known.getStates(country), state)) &&
    (state === undefined || region === undefined || has(known.getRegions(country, state), region))
  );
}

/** Years of calendars, which are always the same. */
const years = new Map<string, ReadonlySet<string>>();

function holidaysOf(calendar: string, year: number): ReadonlySet<string> {
  const key = `${calendar} ${year}`;
  const known = years.get(key);
  if (known !== undefined) return known;
  if (!knowsHolidays(calendar)) throw clockErrors.unknownHolidays();
  const [country = "", state = "", region = ""] = calendar.split("-");
  const days = new (library())(country, state, region)
    .getHolidays(year)
    .filter(({ type, substitute }) => type === "public" || (type === "bank" && substitute === true))
    .flatMap(wholeDays);
  const set = new Set(days);
  years.set(key, set);
  return set;
}

/**
 * `date` is local: `YYYY-MM-DD hh:mm:ss`. A holiday that begins in the evening has its first whole day on the morrow; a day may have 23 hours.
 */
function wholeDays({ date, start, end }: { date: string; start: Date; end: Date }): string[] {
  const hour = Number(date.slice(11, 13));
  const until = hour === 0 ? 0 : 24 - hour;
  const whole = Math.floor(((end.getTime() - start.getTime()) / 3_600_000 - until + 1) / 24);
  const first = Date.parse(`${date.slice(0, 10)}T00:00:00Z`) + (hour === 0 ? 0 : DAY);
  return Array.from({ length: Math.max(whole, 0) }, (_, i) =>
    new Date(first + i * DAY).toISOString().slice(0, 10),
  );
}

const DAY = 86_400_000;

/** Loaded when a business day is asked for: 2 MB of the world's holidays, 70 ms. */
function library(): typeof Holidays {
  return createRequire(import.meta.url)("date-holidays") as typeof Holidays;
}
