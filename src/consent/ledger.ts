import type { ControllerTransaction } from "#database";
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
import { DOUBT } from "./echo.ts";
import { judgedLedger, ledgerOf, type PastPush, type RawRecord, rawLedgerOf, topicOf } from "./history.ts";
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
  const { raw, pushes } = await rawLedgerOf(tx, subjects);
  await insert(tx, records);
  const before = judgedLedger(raw, pushes);
  const after = judgedLedger([...raw, ...records.map(rawOf)], pushes);
  const known = new Map([...after.records.values()].flat().map((record) => [record.id, record]));
  const recorded = records.map((record) => ({
    ...record,
    nature: known.get(idOf(record))?.nature ?? record.nature,
  }));
  const changes = [...Map.groupBy(recorded, topicOf)].flatMap(([topic, fresh]) => {
    const [one] = fresh;
    if (one === undefined) return [];
    const was = currentState(before.records.get(topic) ?? [])?.record.state;
    const is = currentState(after.records.get(topic) ?? [])?.record.state;
    const news = was !== is || fresh.some((record) => isOutOfStep(record, is, after.pushes.get(topic) ?? []));
    return news ? [{ subjectId: one.subjectId, purpose: one.purpose }] : [];
  });
  return { recorded, changes };
}

const idOf = ({ workflowId, ordinal }: NewConsent) => `${workflowId}.${ordinal}`;

function rawOf(record: NewConsent): RawRecord {
  const { subjectId, connectionId, purpose, state, nature, method } = record;
  return {
    ...{ id: idOf(record), subjectId, holder: subjectId, connectionId, purpose, state, nature, method },
    occurredAt: Date.parse(record.occurredAt),
    reportedAt: Date.parse(record.reportedAt),
    found: connectionId !== null && record.evidence !== null,
  };
}

/** The platform says something else than it should hold; or the person chose there when we were about to send something else. */
function isOutOfStep(
  record: RecordedConsent,
  current: ConsentState | undefined,
  pushes: readonly PastPush[],
): boolean {
  const wanted = directionOf(current);
  if (wanted === undefined || record.connectionId === null) return false;
  const since = Date.parse(record.reportedAt) - DOUBT;
  const there = pushes.filter(({ connectionId }) => connectionId === record.connectionId);
  const sent = record.nature === "echo" ? [] : there.flatMap((push) => push.sent);
  return directionOf(record.state) !== wanted || sent.some(({ state, at }) => state !== wanted && at > since);
}

async function insert(
  { sql, controllerId }: ControllerTransaction,
  records: readonly NewConsent[],
): Promise<void> {
  const column = <K extends keyof NewConsent>(key: K) => records.map((record) => record[key]);
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
  return [...(await ledgerOf(tx, subjects)).records.values()].flatMap((records) => {
    const [{ subjectId, purpose } = {}] = records;
    const optedOut = directionOf(currentState(records)?.record.state) === "withdrawn";
    return subjectId !== undefined && purpose !== undefined && optedOut ? [{ subjectId, purpose }] : [];
  });
}
