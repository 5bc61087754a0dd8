import type { ControllerTransaction } from "#database";
import type { ConsentHistoryView, ConsentView, EvidenceReference, PushView, SubjectId } from "#schemas";
import { explain } from "./explain.ts";
import { ledgerOf } from "./history.ts";
import { currentState } from "./state.ts";

type Row = Omit<ConsentView, "id" | "current" | "controller"> & { workflowId: string; ordinal: number };

/** The ledger's records, newest first; `current` marks the one that decides for its subject and purpose. */
export async function listConsents(
  tx: ControllerTransaction,
  options: { subject?: string; limit: number },
): Promise<ConsentView[]> {
  const subject = options.subject ?? null;
  const rows = await tx.sql<Row[]>`
    select c.workflow_id as "workflowId", c.ordinal, coalesce(s.merged_into, s.id) as subject, c.connection_id as connection,
      c.purpose, c.state, c.nature, c.method, c.source, c.lawful_basis as "lawfulBasis", c.jurisdiction, c.evidence,
      c.occurred_at as "occurredAt", c.recorded_at as "recordedAt"
    from consent_record c join subject s on s.controller_id = c.controller_id and s.id = c.subject_id
    where c.controller_id = ${tx.controllerId} and (${subject}::uuid is null or s.id = ${subject}::uuid or s.merged_into = ${subject}::uuid)
    order by c.recorded_at desc, c.workflow_id, c.ordinal limit ${options.limit}`;
  const { deciding, natures } = await judgement(tx, [...new Set(rows.map((row) => row.subject))]);
  return rows.map(({ workflowId, ordinal, ...row }) => ({
    ...row,
    id: `${workflowId}.${ordinal}`,
    controller: tx.controllerId,
    nature: natures.get(`${workflowId}.${ordinal}`) ?? row.nature,
    evidence: evidenceOf(row, workflowId),
    occurredAt: new Date(row.occurredAt).toISOString(),
    recordedAt: new Date(row.recordedAt).toISOString(),
    current: deciding.has(`${workflowId}.${ordinal}`),
  }));
}

/** Of what a platform reported the proof is the delivery, whose body's fingerprint is in the audit log. */
function evidenceOf(
  { source, evidence }: { source: ConsentView["source"]; evidence: EvidenceReference | string | null },
  workflowId: string,
): string | null {
  return evidence ?? (source === "platform" ? `delivery:${workflowId}` : null);
}

/** Which records decide, and the nature of each. */
async function judgement(tx: ControllerTransaction, subjects: SubjectId[]) {
  const groups = [...(await ledgerOf(tx, subjects)).records.values()];
  return {
    deciding: new Set(groups.flatMap((records) => currentState(records)?.record.id ?? [])),
    natures: new Map(groups.flat().map(({ id, nature }) => [id, nature])),
  };
}

/** All of a subject's consent, by purpose, with why it is so and what became of bringing platforms in step. */
export async function showConsents(
  tx: ControllerTransaction,
  subject: SubjectId,
): Promise<ConsentHistoryView[]> {
  const [views, pushes] = await Promise.all([
    listConsents(tx, { subject, limit: ALL }),
    listPushes(tx, { subject, limit: ALL }),
  ]);
  return [...Map.groupBy(views, ({ purpose }) => purpose)].map(([purpose, records]) => {
    const explained = explain(
      records.map((view) => ({ ...view, view, occurredAt: Date.parse(view.occurredAt) })),
    );
    const { decision } = explained;
    const latest = new Map(
      pushes
        .filter((push) => push.purpose === purpose)
        .map((push) => [push.connection, push] as const)
        .toReversed(),
    );
    return {
      ...{ controller: tx.controllerId, subject, purpose },
      state: decision?.record.state ?? null,
      reason: decision?.reason ?? null,
      since: decision?.record.view.occurredAt ?? null,
      records: explained.records.map(({ view, verdict }) => ({ ...view, verdict })),
      platforms: [...latest.values()],
    };
  });
}

const ALL = 1_000_000;

/** What was, or is being, brought to platforms, newest first. */
export async function listPushes(
  tx: ControllerTransaction,
  filter: {
    subject?: string;
    status?: readonly PushView["status"][];
    ids?: readonly string[];
    limit: number;
  },
): Promise<PushView[]> {
  type PushRow = Omit<PushView, "controller" | "error"> & {
    errorCode: string | null;
    errorMessage: string | null;
  };
  const { subject = null, status = null, ids = null } = filter;
  const rows = await tx.sql<PushRow[]>`
    select p.id, coalesce(s.merged_into, s.id) as subject, p.purpose, p.connection_id as connection, n.connector, p.state, p.status, p.reason,
      p.error_code as "errorCode", p.error_message as "errorMessage", p.attempts, p.requested_at as "requestedAt", p.settled_at as "settledAt"
    from consent_push p
    join subject s on s.controller_id = p.controller_id and s.id = p.subject_id
    join connection n on n.controller_id = p.controller_id and n.id = p.connection_id
    where p.controller_id = ${tx.controllerId}
      and (${subject}::uuid is null or s.id = ${subject}::uuid or s.merged_into = ${subject}::uuid)
      and (${status === null ? null : [...status]}::text[] is null or p.status = any(${status === null ? null : [...status]}::text[]))
      and (${ids === null ? null : [...ids]}::uuid[] is null or p.id = any(${ids === null ? null : [...ids]}::uuid[]))
    order by p.requested_at desc, p.id limit ${filter.limit}`;
  return rows.map(({ errorCode, errorMessage, ...row }) => ({
    ...row,
    controller: tx.controllerId,
    error: errorCode === null ? null : `${errorCode}: ${errorMessage}`,
    requestedAt: new Date(row.requestedAt).toISOString(),
    settledAt: row.settledAt === null ? null : new Date(row.settledAt).toISOString(),
  }));
}

/** How much is left to do, or to look at: the last push for each person, purpose and platform counts. */
export async function pushBacklog({ sql, controllerId }: ControllerTransaction) {
  const [row] = await sql<{ open: number; failed: number; manual: number; stuck: number }[]>`
    with unsettled as (
      select * from consent_push p where p.controller_id = ${controllerId} and p.status in ('open', 'failed', 'manual') and not exists (
        select from consent_push later where later.controller_id = p.controller_id and later.subject_id = p.subject_id
          and later.purpose = p.purpose and later.connection_id = p.connection_id and later.requested_at > p.requested_at)
    )
    select count(*) filter (where status = 'open')::int as open, count(*) filter (where status = 'failed')::int as failed, count(*) filter (where status = 'manual')::int as manual,
      (count(*) filter (where status = 'open' and announced_at < now() - interval '12 hours')
        + (select count(*) from consent_due where controller_id = ${controllerId} and since < now() - interval '1 hour'))::int as stuck
    from unsettled`;
  return row ?? { open: 0, failed: 0, manual: 0, stuck: 0 };
}
