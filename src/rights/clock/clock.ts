import type { RightsKind, RightsRegime } from "#schemas";
import {
  compare,
  type Day,
  dayOf,
  daysBetween,
  endOf,
  isTimeZone,
  lastDayOf,
  later,
  latest,
} from "./days.ts";
import { clockErrors } from "./errors.ts";
import { type OwnPeriods, type Period, ruleOf } from "./rules.ts";

/** What a request's deadlines follow from. Instants are ISO 8601 with an offset. */
export interface ClockFacts extends OwnPeriods {
  readonly regime: RightsRegime;
  readonly kind: RightsKind;
  readonly receivedAt: string;
  /** Null: asked for and not given yet; undefined: none was asked for. */
  readonly identityProvenAt?: string | null | undefined;
  /** Null: asked for and not paid yet; undefined: none was asked for. */
  readonly feePaidAt?: string | null | undefined;
  /** When the person was asked what they mean, and when they said. In any order; they may overlap. */
  readonly pauses: readonly { readonly from: string; readonly until: string | null }[];
  /** Notice of an extension was given, in time. */
  readonly extended: boolean;
  /** IANA name, of the controller: it is its days that end. */
  readonly timeZone: string;
  /** Whose holidays are no business days: `US`, `DE-BY`. */
  readonly holidays: string;
}

/**
 * A request's deadlines: instants, ISO 8601 in UTC, each the last millisecond of a day in the controller's time zone. What is done at that
 * instant is in time, what is done after it is late.
 */
export interface Clock {
  /** Null while it waits for proof of identity or a fee. */
  readonly startsAt: string | null;
  readonly acknowledgeBy: string | null;
  /** An answer, or a refusal. Null while the clock has not started, while it stands still, and where nobody set a time. */
  readonly answerBy: string | null;
  /** How far it can be, or was, extended; null where the regime knows no extension, and with `answerBy`. */
  readonly extensionUntil: string | null;
  /** Until when notice of an extension must have been given; null if none can be, any more, and with `answerBy`. */
  readonly extendBefore: string | null;
  /** It stands still, because the person was asked what they mean. */
  readonly paused: boolean;
  /** The regime would let it stand still. */
  readonly mayPause: boolean;
  /** The regime knows an extension, and it was not made use of: until `extendBefore`. */
  readonly mayExtend: boolean;
}

/**
 * A request's deadlines. The same facts give the same ones at any time: it reads no clock.
 *
 * @throws rights/unknown-time-zone, rights/unknown-holidays, rights/not-days
 */
export function clockOf(facts: ClockFacts): Clock {
  check(facts);
  const { regime, kind, timeZone, holidays } = facts;
  const rule = ruleOf(regime, kind, facts);
  const mayPause = rule.pausedFor.includes(kind);
  const may = { mayPause, mayExtend: rule.extended !== null && !facts.extended };
  const startsAt = rule.startsWith === "receipt" ? facts.receivedAt : latestOf(facts);
  if (startsAt === null) return { ...NOTHING_DUE, ...may };
  const start = dayOf(startsAt, timeZone);
  const last = (period: Period | null) => period && lastDayOf(period, start, holidays);
  const pauses = mayPause ? pausesOf(facts, start) : [];
  const plain = afterPauses(last(rule.answer), pauses);
  // Once the first time is up without an extension, none can be had any more, and a pause comes too late for either.
  const extended = afterPauses(
    last(rule.extended),
    facts.extended ? pauses : pauses.filter(({ from }) => isDay(plain) && compare(from, plain) <= 0),
  );
  const answer = facts.extended && extended !== null ? extended : plain;
  const paused = answer === STANDS_STILL;
  const instant = (day: Due) => (paused || !isDay(day) ? null : endOf(day, timeZone));
  const acknowledge = last(rule.acknowledge);
  return {
    ...may,
    paused,
    startsAt: new Date(startsAt).toISOString(),
    acknowledgeBy: acknowledge && endOf(acknowledge, timeZone),
    answerBy: instant(answer),
    extensionUntil: instant(extended),
    extendBefore: may.mayExtend ? instant(plain) : null,
  };
}

const NOTHING_DUE = {
  startsAt: null,
  acknowledgeBy: null,
  answerBy: null,
  extensionUntil: null,
  extendBefore: null,
  paused: false,
} as const;

function check({ timeZone, dpdpDays, platformDays }: ClockFacts): void {
  if (!isTimeZone(timeZone)) throw clockErrors.unknownTimeZone();
  if ([dpdpDays, platformDays ?? 1].some((days) => !Number.isInteger(days) || days < 1))
    throw clockErrors.notDays();
}

/** The latest of the request, proof of identity and the fee; null while one of them is waited for. */
function latestOf({ receivedAt, identityProvenAt, feePaidAt }: ClockFacts): string | null {
  const others = [identityProvenAt, feePaidAt].filter((one) => one !== undefined);
  return others.includes(null) ? null : latest(receivedAt, ...others.filter((one) => one !== null));
}

interface Pause {
  readonly from: Day;
  readonly until: Day | null;
}

/** Pauses in order, without what lies before the clock's start. */
function pausesOf({ pauses, timeZone }: ClockFacts, start: Day): Pause[] {
  return pauses
    .map(({ from, until }) => ({
      from: later(dayOf(from, timeZone), start),
      until: until === null ? null : dayOf(until, timeZone),
    }))
    .toSorted((a, b) => compare(a.from, b.from));
}

const STANDS_STILL = "stands still";
/** A last day, or none, because nobody set one or because nobody can know yet. */
type Due = Day | typeof STANDS_STILL | null;
const isDay = (due: Due): due is Day => due !== null && due !== STANDS_STILL;

/**
 * A last day, moved by the days of the pauses: from the one on which the person was asked to the one on which they answered, and no day
 * twice. (The law does not count that last day either; the earlier date is the safe one.) A pause that begins when time was up moves nothing.
 */
function afterPauses(last: Day | null, pauses: readonly Pause[]): Due {
  if (last === null) return null;
  let moved = last;
  let counted = pauses[0]?.from ?? last;
  for (const { from, until } of pauses) {
    if (compare(from, moved) > 0) break;
    if (until === null) return STANDS_STILL;
    const days = daysBetween(later(from, counted), until);
    if (days <= 0) continue;
    moved = moved.add({ days });
    counted = until;
  }
  return moved;
}
