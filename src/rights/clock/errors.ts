import { LetheError } from "#schemas";

export const clockErrors = {
  unknownTimeZone: () =>
    new LetheError(
      "rights/unknown-time-zone",
      "name a time zone of the IANA database, such as Europe/Berlin",
      {
        status: 400,
      },
    ),
  unknownHolidays: () =>
    new LetheError(
      "rights/unknown-holidays",
      "name a country, or a part of it, whose holidays are known, such as US, US-CA or DE-BY",
      { status: 400 },
    ),
  notDays: () =>
    new LetheError("rights/not-days", "a period is a whole number of days, 1 or more", { status: 400 }),
};
