import { MAX_RECORDS } from "#kit";
import type { ConsentNature, ConsentState, Purpose, RecordNature } from "#schemas";
import { isEcho, type Mark, repeats, type SentChange } from "./echo.ts";
import { directionOf } from "./state.ts";

/** What has to be known of a record to tell whether it is an echo. */
export interface Judgeable {
  /** `<workflow>.<ordinal>` */
  readonly id: string;
  /** Null for what no platform reported. */
  readonly connectionId: string | null;
  readonly purpose: Purpose;
  readonly state: ConsentState;
  /** As it was reported. */
  readonly nature: ConsentNature;
  /** When the platform came to hold it, in milliseconds. */
  readonly reportedAt: number;
  /** When the person chose so, in milliseconds. */
  readonly occurredAt: number;
  /** We asked the platform and found it, knowing what we had sent: it is no echo. */
  readonly found: boolean;
}

/** What was sent to a connection for a purpose. */
export interface SentTo {
  readonly connectionId: string;
  readonly purpose: Purpose;
  readonly sent: readonly SentChange[];
}

/**
 * Tells echoes of our own changes from what people chose, in all records of one subject. It depends on what happened when,
 * and not on the order in which we learnt of it: a report that comes late may show that an earlier one was no echo.
 *
 * An event with an echo in it is about our change: what else of it only repeats what the platform held is no choice either.
 */
export function judged<Record extends Judgeable>(
  records: readonly Record[],
  sendings: readonly SentTo[],
): (Omit<Record, "nature"> & { readonly nature: RecordNature })[] {
  // Where nothing was sent nothing comes back: most people of most hubs, at each of their orders.
  if (sendings.every((one) => one.sent.length === 0)) return [...records];
  const sent = Map.groupBy(sendings, placeOf);
  const events = eventsOf(records);
  const there = new Map<string, Mark[]>();
  // A grant may be reported only after an opt-out that it came before: so the opt-outs are looked at once more.
  const grants = Map.groupBy(
    [...tell(new Map()).chosen].filter(({ nature, state }) => nature === "expressed" && state === "granted"),
    ({ purpose }) => purpose,
  );
  const { echoes } = tell(
    new Map(
      [...grants].map(([purpose, all]) => [
        purpose,
        all.map(({ occurredAt }) => ({ state: "granted", at: occurredAt })),
      ]),
    ),
  );
  return records.map((record) => (echoes.has(record) ? { ...record, nature: "echo" } : record));

  function tell(anywhere: ReadonlyMap<string, readonly Mark[]>) {
    const echoes = new Set<Record>();
    const chosen = new Set<Record>();
    there.clear();
    for (const event of events) {
      const ours = event.filter((record) => isOurs(record, anywhere.get(record.purpose) ?? []));
      const along = ours.length === 0 ? [] : event.filter(saysNothingNew);
      for (const record of [...ours, ...along]) echoes.add(record);
      for (const record of event.filter((one) => !echoes.has(one))) {
        chosen.add(record);
        const mark = { state: directionOf(record.state), at: record.reportedAt };
        const marks = there.get(placeOf(record));
        if (marks === undefined) there.set(placeOf(record), [mark]);
        else marks.push(mark); // no copy: whoever buys every day has thousands of reports
      }
    }
    return { echoes, chosen };
  }

  function isOurs(record: Record, anywhere: readonly Mark[]): boolean {
    const report = reportOf(record);
    return report !== undefined && isEcho(report, sentOf(record), { there: thereOf(record), anywhere });
  }

  function saysNothingNew(record: Record): boolean {
    const report = reportOf(record);
    return report !== undefined && repeats(report, [...sentOf(record), ...thereOf(record)]);
  }

  function sentOf(record: Record): SentChange[] {
    return (sent.get(placeOf(record)) ?? []).flatMap((one) => one.sent);
  }

  function thereOf(record: Record): readonly Mark[] {
    return there.get(placeOf(record)) ?? [];
  }
}

const placeOf = ({ connectionId, purpose }: Pick<Judgeable, "connectionId" | "purpose">) =>
  `${connectionId} ${purpose}`;

function reportOf({ connectionId, state, reportedAt, found }: Judgeable): Mark | undefined {
  const direction = directionOf(state);
  return connectionId === null || found || direction === undefined
    ? undefined
    : { state: direction, at: reportedAt };
}

/**
 * The records of each event together, by when it happened. At the same time, to the second, grants come first: an opt-out is
 * no echo if the person was there in between.
 */
function eventsOf<Record extends Judgeable>(records: readonly Record[]): Record[][] {
  const events = [...Map.groupBy(records, eventOf).values()];
  const time = (event: readonly Record[]) => Math.max(...event.map(({ reportedAt }) => reportedAt));
  const isGrant = (event: readonly Record[]) => event.every(({ state }) => state === "granted");
  return events.sort(
    (a, b) =>
      time(a) - time(b) ||
      Number(isGrant(b)) - Number(isGrant(a)) ||
      eventOf(a[0] as Record).localeCompare(eventOf(b[0] as Record)),
  );
}

/** Of several events in a delivery, each has its own range of ordinals. */
function eventOf({ id, connectionId }: Judgeable): string {
  const [workflow, ordinal] = id.split(".");
  return `${workflow} ${Math.floor(Number(ordinal) / MAX_RECORDS)} ${connectionId}`;
}
