import type { ControllerTransaction, Sent } from "#database";
import type {
  ConnectionId,
  ConsentMethod,
  ConsentState,
  Purpose,
  PushId,
  PushReason,
  PushStatus,
  RecordNature,
  SubjectId,
} from "#schemas";
import type { SentChange } from "./echo.ts";
import type { Mark } from "./in-step.ts";
import { currentState, type Direction, directionOf } from "./state.ts";

/** A record of the ledger, as decisions are made of it. Times in milliseconds. */
export interface LedgerRecord {
  /** `<workflow>.<ordinal>` */
  readonly id: string;
  readonly subjectId: SubjectId;
  /** The subject that it was recorded for, which may have been merged since. */
  readonly holder: SubjectId;
  readonly connectionId: ConnectionId | null;
  readonly purpose: Purpose;
  readonly state: ConsentState;
  readonly nature: RecordNature;
  readonly method: ConsentMethod;
  readonly occurredAt: number;
  /** When the platform came to hold it. */
  readonly reportedAt: number;
}

type Row<T> = { readonly [K in keyof T]: T[K] extends number ? string : T[K] };

/** What was recorded of the subjects and of those merged into them, by subject and purpose. */
export async function history(
  tx: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<Map<string, LedgerRecord[]>> {
  const { sql, controllerId } = tx;
  const rows = await sql<Row<LedgerRecord>[]>`
    select w.survivor as "subjectId", w.id as holder, c.* from ${withMerged(tx, subjects)} cross join lateral (
      select workflow_id || '.' || ordinal as id, connection_id as "connectionId", purpose, state, nature, method,
        occurred_at as "occurredAt", coalesce(reported_at, occurred_at) as "reportedAt", workflow_id, ordinal from consent_record
      where controller_id = ${controllerId} and subject_id = w.id offset 0) as c
    order by c.workflow_id, c.ordinal`;
  const records = rows.map((row) => ({
    ...row,
    occurredAt: Date.parse(row.occurredAt),
    reportedAt: Date.parse(row.reportedAt),
  }));
  return Map.groupBy(records, topicOf);
}

/** An attempt to bring a platform in step. */
export interface PastPush {
  readonly id: PushId;
  readonly subjectId: SubjectId;
  readonly connectionId: ConnectionId;
  readonly purpose: Purpose;
  readonly state: Direction;
  readonly status: PushStatus;
  readonly reason: PushReason | null;
  readonly sent: readonly SentChange[];
  /** Milliseconds; undefined while it is open. */
  readonly settledAt: number | undefined;
}

/** All that was tried for the subjects and for those merged into them, oldest first, by subject and purpose. */
export async function pushesFor(
  tx: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<Map<string, PastPush[]>> {
  const { sql, controllerId } = tx;
  type PushRow = Omit<PastPush, "sent" | "settledAt"> & { sent: Sent[]; settledAt: string | null };
  const rows = await sql<PushRow[]>`
    select w.survivor as "subjectId", p.* from ${withMerged(tx, subjects)} cross join lateral (
      select id, connection_id as "connectionId", purpose, state, status, reason, sent, settled_at as "settledAt", requested_at
      from consent_push where controller_id = ${controllerId} and subject_id = w.id offset 0) as p
    order by p.requested_at`;
  const timed = (sent: readonly Sent[]) => sent.map(({ state, at }) => ({ state, at: Date.parse(at) }));
  const pushes = rows.flatMap((row) => {
    const push = { ...row, settledAt: row.settledAt === null ? undefined : Date.parse(row.settledAt) };
    const along = new Set(row.sent.flatMap(({ also = [] }) => also));
    return [
      { ...push, sent: timed(row.sent) },
      // What the platform changed along with it was sent for those purposes as well.
      ...[...along].map((purpose) => ({
        ...{ ...push, purpose },
        sent: timed(row.sent.filter(({ also }) => also?.includes(purpose))),
      })),
    ];
  });
  return Map.groupBy(pushes, topicOf);
}

/** What tells what a connection's platform holds: what we sent it or saw there, and what it reported. */
export function marksOf(
  connectionId: ConnectionId,
  records: readonly LedgerRecord[],
  pushes: readonly PastPush[],
): { ours: Mark[]; theirs: Mark[] } {
  const theirs = records
    .filter((record) => record.connectionId === connectionId)
    .map(({ state, reportedAt }) => ({ state: directionOf(state), at: reportedAt }));
  const ours = pushes
    .filter((push) => push.connectionId === connectionId)
    .flatMap(({ status, sent, state, settledAt }) => {
      const over = status === "done" || status === "done_verified";
      const seen = over && sent.length === 0 && settledAt !== undefined ? [{ state, at: settledAt }] : [];
      // Of what failed nobody knows whether it arrived.
      return [...sent.map(({ at, ...change }) => ({ state: over ? change.state : undefined, at })), ...seen];
    });
  return { ours, theirs };
}

/** One purpose of one subject. */
export const topicOf = ({ subjectId, purpose }: { subjectId: SubjectId; purpose: Purpose }) =>
  `${subjectId} ${purpose}`;

/** A table `w`: every subject (`survivor`) with itself and each that was merged into it (`id`). */
export const withMerged = (
  { sql, controllerId }: ControllerTransaction,
  subjects: readonly SubjectId[],
) => sql`(
  select id as survivor, id from unnest(${[...subjects]}::uuid[]) as wanted(id)
  union all
  select wanted.id, s.id from unnest(${[...subjects]}::uuid[]) as wanted(id) cross join lateral (
    select id from subject where controller_id = ${controllerId} and merged_into = wanted.id offset 0) as s
) as w`;

/** What a subject expressed last for each purpose, where that is what holds. */
export async function currentChoices(
  tx: ControllerTransaction,
  subject: SubjectId,
): Promise<Map<Purpose, ConsentState>> {
  const groups = [...(await history(tx, [subject])).values()];
  return new Map(
    groups.flatMap((records) => {
      const decision = currentState(records)?.record;
      return decision?.nature === "expressed" ? [[decision.purpose, decision.state] as const] : [];
    }),
  );
}
