import type { ControllerTransaction } from "#database";
import { MAX_RECORDS } from "#kit";
import type {
  ConnectionId,
  ConsentMethod,
  ConsentNature,
  ConsentSource,
  ConsentState,
  EvidenceReference,
  Jurisdiction,
  LawfulBasis,
  Purpose,
  RecordNature,
  SubjectId,
} from "#schemas";
import { isEcho, mayBeLast, SKEW } from "./echo.ts";
import { history, type LedgerRecord, marksOf, type PastPush, pushesFor, topicOf } from "./history.ts";
import { currentState, directionOf } from "./state.ts";

/** A consent record to be added. `ordinal` is its place among the workflow's records and makes it unique. */
export interface NewConsent {
  /** The delivery that it came with, or the act of an operator, a browser or the hub. */
  readonly workflowId: string;
  readonly ordinal: number;
  readonly subjectId: SubjectId;
  /** The platform that reported it; null for what came otherwise. */
  readonly connectionId: ConnectionId | null;
  readonly purpose: Purpose;
  readonly state: ConsentState;
  readonly nature: ConsentNature;
  readonly method: ConsentMethod;
  readonly source: ConsentSource;
  /** Consent (GDPR Art. 6(1)(a)) unless said otherwise. */
  readonly lawfulBasis?: LawfulBasis;
  readonly jurisdiction: Jurisdiction | null;
  readonly evidence: EvidenceReference | null;
  /** When the person chose so. ISO 8601. */
  readonly occurredAt: string;
  /** When the platform came to hold it. ISO 8601. */
  readonly reportedAt: string;
}

/** As it stands in the ledger now. */
export type RecordedConsent = Omit<NewConsent, "nature"> & { readonly nature: RecordNature };

/** A subject and purpose for which platforms may have to be brought in step. */
export interface ConsentChange {
  readonly subjectId: SubjectId;
  readonly purpose: Purpose;
}

/**
 * Adds records to the ledger, which is never changed, only added to. What a platform reports of our own changes becomes
 * an echo. Tells for which subjects and purposes the current state is another one now, or a platform differs from it.
 */
export async function recordConsents(
  tx: ControllerTransaction,
  records: readonly NewConsent[],
): Promise<{ recorded: readonly RecordedConsent[]; changes: ConsentChange[] }> {
  if (records.length === 0) return { recorded: [], changes: [] };
  const subjects = [...new Set(records.map(({ subjectId }) => subjectId))];
  const [before, pushes] = await Promise.all([history(tx, subjects), pushesFor(tx, subjects)]);
  const recorded = withNatures(records, before, pushes);
  await insert(tx, recorded);
  const changes = [...Map.groupBy(recorded, topicOf)].flatMap(([topic, fresh]) => {
    const [last] = fresh;
    if (last === undefined) return [];
    const old = before.get(topic) ?? [];
    const was = currentState(old)?.record.state;
    const is = currentState([...old, ...fresh.map(timed)])?.record.state;
    const news = was !== is || fresh.some((record) => isOutOfStep(record, is, pushes.get(topic) ?? []));
    return news ? [{ subjectId: last.subjectId, purpose: last.purpose }] : [];
  });
  return { recorded, changes };
}

/**
 * Echoes are told from choices. An event with an echo in it is about our change: what else of it only repeats what the
 * platform held before is no choice either.
 */
function withNatures(
  records: readonly NewConsent[],
  before: ReadonlyMap<string, readonly LedgerRecord[]>,
  pushes: ReadonlyMap<string, readonly PastPush[]>,
): RecordedConsent[] {
  const reportOf = ({ state, reportedAt }: NewConsent) => {
    const direction = directionOf(state);
    return direction === undefined ? undefined : { state: direction, at: Date.parse(reportedAt) };
  };
  const isOurs = (record: NewConsent) => {
    const report = reportOf(record);
    return report !== undefined && isEcho(report, sentTo(record, pushes.get(topicOf(record)) ?? []));
  };
  const repeats = (record: NewConsent) => {
    const [topic, report] = [topicOf(record), reportOf(record)];
    if (record.connectionId === null || report === undefined) return false;
    const { ours, theirs } = marksOf(record.connectionId, before.get(topic) ?? [], pushes.get(topic) ?? []);
    return mayBeLast(report, [...ours, ...theirs]);
  };
  return [...Map.groupBy(records, eventOf).values()].flatMap((event) => {
    const ours = new Set(event.filter(isOurs));
    return event.map((record) =>
      ours.has(record) || (ours.size > 0 && repeats(record))
        ? { ...record, nature: "echo" as const }
        : record,
    );
  });
}

/** Of several events in a delivery, each has its own range of ordinals. */
const eventOf = ({ workflowId, ordinal }: NewConsent) => `${workflowId} ${Math.floor(ordinal / MAX_RECORDS)}`;

const sentTo = ({ connectionId }: { connectionId: ConnectionId | null }, pushes: readonly PastPush[]) =>
  pushes.filter((push) => push.connectionId === connectionId).flatMap(({ sent }) => sent);

/** The platform says something else than it should hold; or the person chose there when we were about to send something else. */
function isOutOfStep(
  record: RecordedConsent,
  current: ConsentState | undefined,
  pushes: readonly PastPush[],
): boolean {
  const wanted = directionOf(current);
  if (wanted === undefined || record.connectionId === null) return false;
  const since = Date.parse(record.reportedAt) - SKEW;
  const sent = record.nature === "echo" ? [] : sentTo(record, pushes);
  return directionOf(record.state) !== wanted || sent.some(({ state, at }) => state !== wanted && at > since);
}

const timed = (record: RecordedConsent) => ({ ...record, occurredAt: Date.parse(record.occurredAt) });

async function insert(
  { sql, controllerId }: ControllerTransaction,
  records: readonly RecordedConsent[],
): Promise<void> {
  const column = <K extends keyof RecordedConsent>(key: K) => records.map((record) => record[key]);
  await sql`insert into consent_record (controller_id, workflow_id, ordinal, subject_id, connection_id, purpose, state, nature, method,
      source, lawful_basis, jurisdiction, evidence, occurred_at, reported_at)
    select ${controllerId}::uuid, * from unnest(${column("workflowId")}::uuid[], ${column("ordinal")}::int[], ${column("subjectId")}::uuid[],
      ${column("connectionId")}::uuid[], ${column("purpose")}::text[], ${column("state")}::text[], ${column("nature")}::text[],
      ${column("method")}::text[], ${column("source")}::text[], ${records.map(({ lawfulBasis = "consent" }) => lawfulBasis)}::text[],
      ${column("jurisdiction")}::text[], ${column("evidence")}::text[], ${column("occurredAt")}::text[]::timestamptz[],
      ${column("reportedAt")}::text[]::timestamptz[])`;
}

/** Of these subjects, the purposes for which they have opted out: where they become known, they are to be known so. */
export async function optOutsOf(
  tx: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<ConsentChange[]> {
  if (subjects.length === 0) return [];
  return [...(await history(tx, subjects)).values()].flatMap((records) => {
    const [{ subjectId, purpose } = {}] = records;
    const optedOut = directionOf(currentState(records)?.record.state) === "withdrawn";
    return subjectId !== undefined && purpose !== undefined && optedOut ? [{ subjectId, purpose }] : [];
  });
}
