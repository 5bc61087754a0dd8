/** When something is, or is due, to be told to people. */
export interface When {
  /** ISO 8601: a day (`2026-02-28`), meant to its end, or an instant (`2026-02-28T15:04:00Z`). */
  readonly at: string;
  /** IANA, such as `Europe/Berlin`: the controller's. */
  readonly timeZone: string;
}

/** `28 February 2026, end of day (Europe/Berlin)`, or `28 February 2026, 16:04 (Europe/Berlin)`. Throws a `RangeError` if it is no time. */
export function writtenOut({ at, timeZone }: When): string {
  if (isDay(at)) return `${dayOf(new Date(`${at}T00:00:00Z`), "UTC")}, end of day (${timeZone})`;
  const instant = new Date(at);
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone }).format(instant);
  // Who reads "1 March, 00:00" may take it for the night after: a deadline at midnight is the end of the day before.
  const end =
    time === "23:59" ? instant : time === "00:00" ? new Date(instant.getTime() - MINUTE) : undefined;
  if (end !== undefined) return `${dayOf(end, timeZone)}, end of day (${timeZone})`;
  return `${dayOf(instant, timeZone)}, ${time} (${timeZone})`;
}

/** `28 February 2026`: the day that it is there then. */
export function writtenDay({ at, timeZone }: When): string {
  return isDay(at) ? dayOf(new Date(`${at}T00:00:00Z`), "UTC") : dayOf(new Date(at), timeZone);
}

/** `28 February 2026, 16:04 (Europe/Berlin)`, for what has happened. */
export function writtenTime({ at, timeZone }: When): string {
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone }).format(new Date(at));
  return `${dayOf(new Date(at), timeZone)}, ${time} (${timeZone})`;
}

const MINUTE = 60_000;

const isDay = (at: string) => /^\d{4}-\d{2}-\d{2}$/.test(at);

function dayOf(instant: Date, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone }).format(instant);
}
