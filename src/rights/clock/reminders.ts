import { Temporal } from "temporal-polyfill";
import type { Clock } from "./clock.ts";
import { dayOf } from "./days.ts";

export interface Reminder {
  /** ISO 8601 in UTC. */
  readonly at: string;
  readonly what: "acknowledge" | "answer";
  /** Days that are left, the last day not counted; 0 for the moment from which it is overdue. */
  readonly daysLeft: number;
}

/** How many days before a deadline somebody is reminded of it. */
const DAYS_BEFORE = { acknowledge: [1], answer: [7, 1] } as const;

/** When people are at work to read it. */
const AT = "09:00";

/**
 * When to remind of a request, in order: at nine in the morning, in the controller's time zone, so many days before a deadline, and the
 * millisecond after it. None of what lies before the clock's start, none while it stands still, and none of an acknowledgement that was
 * sent. They follow from the clock: whoever sleeps until one looks again when it was extended, paused or started.
 */
export function remindersOf(
  clock: Clock,
  { acknowledged, timeZone }: { acknowledged: boolean; timeZone: string },
): readonly Reminder[] {
  const { startsAt, acknowledgeBy, answerBy } = clock;
  if (startsAt === null) return [];
  const of = (what: Reminder["what"], by: string | null): Reminder[] =>
    by === null
      ? []
      : [
          ...DAYS_BEFORE[what].map((daysLeft) => ({ at: morning(by, daysLeft, timeZone), what, daysLeft })),
          { at: new Date(Date.parse(by) + 1).toISOString(), what, daysLeft: 0 },
        ];
  return [...of("acknowledge", acknowledged ? null : acknowledgeBy), ...of("answer", answerBy)]
    .filter(({ at }) => at > startsAt)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

function morning(deadline: string, daysBefore: number, timeZone: string): string {
  const day = dayOf(deadline, timeZone).subtract({ days: daysBefore });
  const time = Temporal.PlainTime.from(AT);
  return new Date(day.toZonedDateTime({ timeZone, plainTime: time }).epochMilliseconds).toISOString();
}
