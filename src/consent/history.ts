import type { ControllerTransaction, Sent } from "#database";
import type {
  ConnectionId,
  ConsentMethod,
  ConsentNature,
  ConsentState,
  Purpose,
  PushId,
  PushReason,
  PushStatus,
  RecordNature,
  SubjectId,
} from "#schemas";
import type { Mark, SentChange } from "./echo.ts";
import { judged } from "./judge.ts";
import { type Direction, directionOf } from "./state.ts";

/** A record of the ledger, as decisions are made of it. Times in milliseconds. `nature` as it is judged now. */
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
  /** We asked the platform and found it. */
  readonly found: boolean;
}

/** All that is known of subjects and of those merged into them, by subject and purpose. */
export interface Ledger {
  readonly records: ReadonlyMap<string, readonly LedgerRecord[]>;
  /** What was tried to bring platforms in step, oldest first. */
  readonly pushes: ReadonlyMap<string, readonly PastPush[]>;
}

/** A record as it was reported, before it is judged. */
export type RawRecord = Omit<LedgerRecord, "nature"> & { readonly nature: ConsentNature };

/** Reads the ledger of subjects; echoes are told from choices. */
export async function ledgerOf(tx: ControllerTransaction, subjects: readonly SubjectId[]): Promise<Ledger> {
  const { raw, pushes } = await rawLedgerOf(tx, subjects);
  return judgedLedger(raw, pushes);
}

export async function rawLedgerOf(
  tx: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<{ raw: RawRecord[]; pushes: PastPush[] }> {
  const [raw, pushes] = await Promise.all([recordsOf(tx, subjects), pushesOf(tx, subjects)]);
  return { raw, pushes };
}

export function judgedLedger(raw: readonly RawRecord[], pushes: readonly PastPush[]): Ledger {
  const bySubject = Map.groupBy(pushes, ({ subjectId }) => subjectId);
  const records = [...Map.groupBy(raw, ({ subjectId }) => subjectId)].flatMap(([subject, own]) =>
    judged(own, bySubject.get(subject) ?? []),
  );
  return { records: Map.groupBy(records, topicOf), pushes: Map.groupBy(pushes, topicOf) };
}

type Row<T> = { readonly [K in keyof T]: T[K] extends number ? string : T[K] };

async function recordsOf(tx: ControllerTransaction, subjects: readonly SubjectId[]): Promise<RawRecord[]> {
  const { sql, controllerId } = tx;
  const rows = await sql<Row<RawRecord>[]>`
    select w.survivor as "subjectId", w.id as holder, c.* from ${withMerged(tx, subjects)} cross join lateral (
      select workflow_id || '.' || ordinal as id, connection_id as "connectionId", purpose, state, nature, method,
        occurred_at as "occurredAt", coalesce(reported_at, occurred_at) as "reportedAt",
        connection_id is not null and evidence is not null as found, workflow_id, ordinal from consent_record
      where controller_id = ${controllerId} and subject_id = w.id offset 0) as c
    order by c.workflow_id, c.ordinal`;
  return rows.map((row) => ({
    ...row,
    occurredAt: Date.parse(row.occurredAt),
    reportedAt: Date.parse(row.reportedAt),
  }));
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

async function pushesOf(tx: ControllerTransaction, subjects: readonly SubjectId[]): Promise<PastPush[]> {
  const { sql, controllerId } = tx;
  type PushRow = Omit<PastPush, "sent" | "settledAt"> & { sent: Sent[]; settledAt: string | null };
  const rows = await sql<PushRow[]>`
    select w.survivor as "subjectId", p.* from ${withMerged(tx, subjects)} cross join lateral (
      select id, connection_id as "connectionId", purpose, state, status, reason, sent, settled_at as "settledAt", requested_at
      from consent_push where controller_id = ${controllerId} and subject_id = w.id offset 0) as p
    order by p.requested_at`;
  return rows.flatMap((row) => {
    const last = row.sent.at(-1);
    const timed = (sent: readonly Sent[]) =>
      sent.map((one) => ({
        ...{ state: one.state, at: Date.parse(one.at) },
        landed: row.status === "done_verified" && one === last && one.state === row.state,
      }));
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
      // Of what was sent and did not end well nobody knows whether it arrived.
      const over = status === "done" || status === "done_verified";
      const seen = status === "done_verified" && settledAt !== undefined ? [{ state, at: settledAt }] : [];
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
