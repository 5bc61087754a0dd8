import type { ControllerTransaction } from "#database";
import type { ActivityDeclaration } from "#kit";
import type { ActivityView, ConnectionId, DeliveryId, SubjectId } from "#schemas";

/** A processing activity to be recorded (GDPR Art. 30); `ordinal` is its place among the delivery's records. */
export interface NewActivity {
  readonly deliveryId: DeliveryId;
  readonly ordinal: number;
  readonly subjectId: SubjectId;
  readonly connectionId: ConnectionId;
  readonly activity: string;
  readonly declaration: ActivityDeclaration;
  readonly recipient: string;
  /** ISO 8601. */
  readonly occurredAt: string;
}

export async function recordActivities(
  { sql, controllerId }: ControllerTransaction,
  rows: readonly NewActivity[],
): Promise<void> {
  if (rows.length === 0) return;
  const column = <T>(value: (row: NewActivity) => T): T[] => rows.map(value);
  await sql`insert into processing_activity (controller_id, delivery_id, ordinal, subject_id, connection_id, activity, purpose,
      lawful_basis, data_categories, recipient, occurred_at)
    select ${controllerId}::uuid, d, o, s, c, a, p, l, string_to_array(k, ','), r, t from unnest(
      ${column((row) => row.deliveryId)}::uuid[], ${column((row) => row.ordinal)}::int[], ${column((row) => row.subjectId)}::uuid[],
      ${column((row) => row.connectionId)}::uuid[], ${column((row) => row.activity)}::text[],
      ${column((row) => row.declaration.purpose)}::text[], ${column((row) => row.declaration.lawfulBasis)}::text[],
      ${column((row) => row.declaration.dataCategories.join(","))}::text[], ${column((row) => row.recipient)}::text[],
      ${column((row) => row.occurredAt)}::text[]::timestamptz[]) as t(d, o, s, c, a, p, l, k, r, t)`;
}

type Row = Omit<ActivityView, "id" | "controller"> & { deliveryId: string; ordinal: number };

/** Activities, newest first; those of a subject include those of subjects merged into it. */
export async function listActivities(
  { sql, controllerId }: ControllerTransaction,
  options: { subject?: string; limit: number },
): Promise<ActivityView[]> {
  const subject = options.subject ?? null;
  const rows = await sql<Row[]>`
    select a.delivery_id as "deliveryId", a.ordinal, coalesce(s.merged_into, s.id) as subject, a.connection_id as connection, d.connector,
      a.activity, a.purpose, a.lawful_basis as "lawfulBasis", to_json(a.data_categories) as "dataCategories", a.recipient,
      a.occurred_at as "occurredAt", a.recorded_at as "recordedAt"
    from processing_activity a
    join subject s on s.controller_id = a.controller_id and s.id = a.subject_id
    join delivery d on d.controller_id = a.controller_id and d.id = a.delivery_id
    where a.controller_id = ${controllerId} and (${subject}::uuid is null or s.id = ${subject}::uuid or s.merged_into = ${subject}::uuid)
    order by a.recorded_at desc, a.delivery_id, a.ordinal limit ${options.limit}`;
  return rows.map(({ deliveryId, ordinal, ...row }) => ({
    ...row,
    id: `${deliveryId}.${ordinal}`,
    controller: controllerId,
    occurredAt: new Date(row.occurredAt).toISOString(),
    recordedAt: new Date(row.recordedAt).toISOString(),
  }));
}

/** Activities of people who are erased are nobody's in particular. */
export async function forgetActivities(
  { sql, controllerId }: ControllerTransaction,
  { family, heir }: { family: readonly SubjectId[]; heir: SubjectId },
): Promise<void> {
  await sql`update processing_activity set subject_id = ${heir}
    where controller_id = ${controllerId} and subject_id = any(${[...family]}::uuid[])`;
}
