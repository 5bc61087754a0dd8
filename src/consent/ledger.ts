import type { ControllerTransaction } from "#database";
import type { Merge } from "#identity";
import type {
  ConnectionId,
  ConsentMethod,
  ConsentNature,
  ConsentPurpose,
  ConsentState,
  ConsentView,
  DeliveryId,
  LawfulBasis,
  SubjectId,
} from "#schemas";
import { currentState } from "./state.ts";

/** A consent record to be added; `ordinal` is its place among the delivery's records and makes it unique. */
export interface NewConsent {
  readonly deliveryId: DeliveryId;
  readonly ordinal: number;
  readonly subjectId: SubjectId;
  readonly connectionId: ConnectionId;
  readonly purpose: ConsentPurpose;
  readonly state: ConsentState;
  readonly nature: ConsentNature;
  readonly method: ConsentMethod;
  /** ISO 8601. */
  readonly occurredAt: string;
}

export interface ConsentChange {
  readonly subjectId: SubjectId;
  readonly purpose: ConsentPurpose;
  readonly deliveryId: DeliveryId;
}

/** Whoever says yes or no to marketing does so by consent (GDPR Art. 6(1)(a)). */
const LAWFUL_BASIS: LawfulBasis = "consent";

/**
 * Adds records to the ledger and tells for which subjects and purposes the current state is another one now.
 * The ledger is never changed, only added to.
 */
export async function recordConsents(
  tx: ControllerTransaction,
  records: readonly NewConsent[],
): Promise<ConsentChange[]> {
  if (records.length === 0) return [];
  const { sql, controllerId } = tx;
  const column = <K extends keyof NewConsent>(key: K): NewConsent[K][] =>
    records.map((record) => record[key]);
  const before = await history(tx, [...new Set(column("subjectId"))]);
  await sql`insert into consent_record (controller_id, lawful_basis, delivery_id, ordinal, subject_id, connection_id, purpose, state, nature, method, occurred_at)
    select ${controllerId}::uuid, ${LAWFUL_BASIS}, * from unnest(${column("deliveryId")}::uuid[], ${column("ordinal")}::int[], ${column("subjectId")}::uuid[],
      ${column("connectionId")}::uuid[], ${column("purpose")}::text[], ${column("state")}::text[], ${column("nature")}::text[],
      ${column("method")}::text[], ${column("occurredAt")}::text[]::timestamptz[])`;
  const added = records.map((record) => ({ ...record, occurredAt: Date.parse(record.occurredAt) }));
  return [...Map.groupBy(added, keyOf)].flatMap(([key, fresh]) => {
    const old = before.get(key) ?? [];
    const [was, is] = [currentState(old), currentState([...old, ...fresh])];
    const last = fresh.at(-1);
    return last === undefined || was?.record.state === is?.record.state
      ? []
      : [{ subjectId: last.subjectId, purpose: last.purpose, deliveryId: last.deliveryId }];
  });
}

/**
 * What merges that were just made changed: what one of the two had chosen counts for both now. Tells a change unless
 * both had the same current state before, because somewhere the other's was known.
 */
export async function consentsChangedByMerges(
  tx: ControllerTransaction,
  merges: readonly Merge[],
): Promise<ConsentChange[]> {
  if (merges.length === 0) return [];
  const into = new Map(merges.map(({ merged, survivor }) => [merged, survivor]));
  const last = (id: SubjectId): SubjectId => {
    const next = into.get(id);
    return next === undefined ? id : last(next);
  };
  const before = await holdersBefore(tx, merges);
  const records = await history(tx, [...new Set(merges.map(({ survivor }) => last(survivor)))]);
  return [...records.values()].flatMap((group) => {
    const [{ subjectId, purpose } = {}] = group;
    const merge = merges.findLast(({ survivor }) => last(survivor) === subjectId);
    if (subjectId === undefined || purpose === undefined || merge === undefined) return [];
    const parties = [subjectId, ...into.keys()].filter((id) => last(id) === subjectId);
    const states = parties.map((party) =>
      currentState(group.filter(({ holder }) => (before.get(holder) ?? subjectId) === party)),
    );
    return new Set(states.map((state) => state?.record.state)).size === 1
      ? []
      : [{ subjectId, purpose, deliveryId: merge.deliveryId }];
  });
}

/** Of each subject that was merged, or had been merged into one that was: under which subject it stood before. */
async function holdersBefore(
  { sql, controllerId }: ControllerTransaction,
  merges: readonly Merge[],
): Promise<Map<SubjectId, SubjectId>> {
  const rows = await sql<{ merged: SubjectId; moved: SubjectId[] }[]>`
    select m.merged, m.moved from unnest(${merges.map(({ merged }) => merged)}::uuid[]) with ordinality as wanted(id, place)
    cross join lateral (
      select merged_subject as merged, to_json(moved) as moved from subject_merge
      where controller_id = ${controllerId} and merged_subject = wanted.id order by merged_at desc limit 1) as m
    order by place`;
  const before = new Map<SubjectId, SubjectId>();
  for (const { merged, moved } of rows)
    for (const id of [merged, ...moved]) if (!before.has(id)) before.set(id, merged);
  return before;
}

interface Row {
  /** `<delivery>.<ordinal>` */
  readonly id: string;
  readonly subjectId: SubjectId;
  /** The subject that it was recorded for, which may have been merged since. */
  readonly holder: SubjectId;
  readonly purpose: ConsentPurpose;
  readonly state: ConsentState;
  readonly nature: ConsentNature;
  readonly occurredAt: string;
}

/** Earlier records of the subjects and of those merged into them, by subject and purpose. */
async function history({ sql, controllerId }: ControllerTransaction, subjects: SubjectId[]) {
  const rows = await sql<Row[]>`
    select w.survivor as "subjectId", w.id as holder, c.id, c.purpose, c.state, c.nature, c.occurred_at as "occurredAt"
    from (
      select id as survivor, id from unnest(${subjects}::uuid[]) as wanted(id)
      union all
      select wanted.id, s.id from unnest(${subjects}::uuid[]) as wanted(id) cross join lateral (
        select id from subject where controller_id = ${controllerId} and merged_into = wanted.id offset 0) as s
    ) as w cross join lateral (
      select delivery_id || '.' || ordinal as id, purpose, state, nature, occurred_at, delivery_id, ordinal from consent_record
      where controller_id = ${controllerId} and subject_id = w.id offset 0) as c
    order by c.delivery_id, c.ordinal`;
  return Map.groupBy(
    rows.map((row) => ({ ...row, occurredAt: Date.parse(row.occurredAt) })),
    keyOf,
  );
}

const keyOf = ({ subjectId, purpose }: { subjectId: SubjectId; purpose: ConsentPurpose }) =>
  `${subjectId} ${purpose}`;

/** The ledger's records, newest first; `current` marks the one that decides for its subject and purpose. */
export async function listConsents(
  tx: ControllerTransaction,
  options: { subject?: string; limit: number },
): Promise<ConsentView[]> {
  const subject = options.subject ?? null;
  const rows = await tx.sql<
    (Omit<ConsentView, "id" | "current" | "controller"> & { deliveryId: string; ordinal: number })[]
  >`
    select c.delivery_id as "deliveryId", c.ordinal, coalesce(s.merged_into, s.id) as subject, c.connection_id as connection,
      c.purpose, c.state, c.nature, c.method, c.lawful_basis as "lawfulBasis", c.occurred_at as "occurredAt", c.recorded_at as "recordedAt"
    from consent_record c join subject s on s.controller_id = c.controller_id and s.id = c.subject_id
    where c.controller_id = ${tx.controllerId} and (${subject}::uuid is null or s.id = ${subject}::uuid or s.merged_into = ${subject}::uuid)
    order by c.recorded_at desc, c.delivery_id, c.ordinal limit ${options.limit}`;
  const deciding = await decidingRecords(tx, [...new Set(rows.map((row) => row.subject))]);
  return rows.map(({ deliveryId, ordinal, ...row }) => ({
    ...row,
    id: `${deliveryId}.${ordinal}`,
    controller: tx.controllerId,
    occurredAt: new Date(row.occurredAt).toISOString(),
    recordedAt: new Date(row.recordedAt).toISOString(),
    current: deciding.has(`${deliveryId}.${ordinal}`),
  }));
}

async function decidingRecords(tx: ControllerTransaction, subjects: SubjectId[]): Promise<Set<string>> {
  const groups = await history(tx, subjects);
  return new Set([...groups.values()].flatMap((records) => currentState(records)?.record.id ?? []));
}
