import type { ControllerTransaction } from "#database";
import type { DeliveryId, DeliveryStatus, DeliveryView } from "#schemas";

export interface Settlement {
  readonly id: DeliveryId;
  readonly status: "processed" | "ignored" | "failed";
  readonly error?: { readonly code: string; readonly message: string };
  /** The topic that all of its events share, where only processing could find it out. */
  readonly topic?: string | null;
  /** False when nothing was tried: it was given up. */
  readonly attempted?: boolean;
  /** Keyed MAC of the body, where it could be opened: what stays of it after shredding. */
  readonly bodyMac?: Uint8Array;
}

/** Writes how processing ended, for those that still wait: what was settled before stays as it is. Returns which. */
export async function settleDeliveries(
  { sql, controllerId }: ControllerTransaction,
  settled: readonly Settlement[],
): Promise<DeliveryId[]> {
  if (settled.length === 0) return [];
  const rows = await sql<{ id: DeliveryId }[]>`
    update delivery d set status = s.status, processed_at = now(), error_code = s.code, error_message = s.message,
      attempts = d.attempts + s.tries, topic = coalesce(d.topic, s.topic), body_mac = coalesce(decode(s.mac, 'hex'), d.body_mac)
    from unnest(${settled.map(({ id }) => id)}::uuid[], ${settled.map(({ status }) => status)}::text[],
      ${settled.map(({ error }) => error?.code ?? null)}::text[], ${settled.map(({ error }) => error?.message ?? null)}::text[],
      ${settled.map(({ bodyMac }) => (bodyMac === undefined ? null : Buffer.from(bodyMac).toString("hex")))}::text[],
      ${settled.map(({ topic }) => topic ?? null)}::text[], ${settled.map(({ attempted }) => (attempted === false ? 0 : 1))}::int[]) as s(id, status, code, message, mac, topic, tries)
    -- One look into the index for each: the planner would rather read all that waits in the inbox to find these.
    cross join lateral (
      select w.id from delivery w where w.controller_id = ${controllerId} and w.id = s.id and w.status = 'received' for update offset 0) as waiting
    where d.controller_id = ${controllerId} and d.id = waiting.id returning d.id`;
  return rows.map(({ id }) => id);
}

/** Counts an attempt whose transaction was rolled back, and notes why; more will follow. */
export async function noteFailure(
  { sql, controllerId }: ControllerTransaction,
  id: DeliveryId,
  error: { code: string; message: string },
): Promise<void> {
  await sql`update delivery set attempts = attempts + 1, error_code = ${error.code}, error_message = ${error.message}
    where controller_id = ${controllerId} and id = ${id} and status = 'received'`;
}

/** Shreds the payloads of settled deliveries: with the row goes the only copy of its data key. Returns which there were. */
export async function shredPayloads(
  { sql, controllerId }: ControllerTransaction,
  ids: readonly DeliveryId[],
): Promise<DeliveryId[]> {
  const rows = await sql<{ id: DeliveryId }[]>`
    delete from delivery_payload p using delivery d
    where p.controller_id = ${controllerId} and p.delivery_id = any(${[...ids]}::uuid[])
      and d.controller_id = p.controller_id and d.id = p.delivery_id and d.status in ('processed', 'ignored')
    returning p.delivery_id as id`;
  return rows.map(({ id }) => id);
}

/**
 * Shreds the payloads of deliveries that failed so many days ago, and ends them as `expired`; and any payload that
 * is left of a processed one. What was never processed is kept, however old: it was acknowledged.
 */
export function expireDeliveries(
  { sql, controllerId }: ControllerTransaction,
  { afterDays, limit }: { afterDays: number; limit: number },
): Promise<{ id: DeliveryId; expired: boolean }[]> {
  return sql<{ id: DeliveryId; expired: boolean }[]>`
    with due as (
      select d.id from delivery_payload p join delivery d on d.controller_id = p.controller_id and d.id = p.delivery_id
      where p.controller_id = ${controllerId}
        and (d.status in ('processed', 'ignored') or d.status = 'failed' and d.processed_at < now() - make_interval(days => ${afterDays}))
      -- Not what is being replayed: it would be left to wait without its payload.
      limit ${limit} for update of d skip locked
    ), shredded as (
      delete from delivery_payload p using due where p.controller_id = ${controllerId} and p.delivery_id = due.id
      returning p.delivery_id as id
    ), expired as (
      update delivery d set status = 'expired' from shredded
      where d.controller_id = ${controllerId} and d.id = shredded.id and d.status = 'failed' returning d.id
    )
    select shredded.id, expired.id is not null as expired from shredded left join expired using (id)`;
}

/**
 * Deliveries that wait although nothing announces them any more, oldest first: never tried for a quarter of an hour,
 * or not over after a day of retries.
 */
export async function forgottenDeliveries(
  { sql, controllerId }: ControllerTransaction,
  limit: number,
): Promise<DeliveryId[]> {
  const rows = await sql<{ id: DeliveryId }[]>`
    select id from delivery d where controller_id = ${controllerId} and status = 'received'
      and received_at < now() - case attempts when 0 then interval '15 minutes' else interval '1 day' end
      and not exists (select from runtime_event e where e.controller_id = ${controllerId} and e.dispatched_at is null
        and e.data ->> 'deliveryId' = d.id::text)
    order by id limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** How many wait to be processed, for how many seconds the oldest of them, and how many failed and are retained. */
export async function deliveryBacklog({ sql, controllerId }: ControllerTransaction) {
  const [row] = await sql<{ waiting: number; oldest: number | null; failed: number }[]>`
    select count(*) filter (where status = 'received')::int as waiting, count(*) filter (where status = 'failed')::int as failed,
      extract(epoch from now() - min(received_at) filter (where status = 'received'))::float8 as oldest
    from delivery where controller_id = ${controllerId} and status in ('received', 'failed')`;
  return row ?? { waiting: 0, oldest: null, failed: 0 };
}

export interface DeliveryFilter {
  readonly status?: DeliveryStatus;
  readonly connector?: string;
  /** ISO 8601: received at or after. */
  readonly since?: string;
  readonly ids?: readonly string[];
  readonly limit: number;
}

type Row = Omit<DeliveryView, "error" | "controller"> & {
  errorCode: string | null;
  errorMessage: string | null;
};

/** Deliveries, newest first. Their ids are UUIDs of version 7, so their order is that of arrival. */
export async function listDeliveries(
  { sql, controllerId }: ControllerTransaction,
  filter: DeliveryFilter,
): Promise<DeliveryView[]> {
  const rows = await sql<Row[]>`
    select id, connection_id as connection, connector, topic, status, received_at as "receivedAt", processed_at as "processedAt",
      attempts, error_code as "errorCode", error_message as "errorMessage"
    from delivery where controller_id = ${controllerId}
      ${filter.status === undefined ? sql`` : sql`and status = ${filter.status}`}
      ${filter.connector === undefined ? sql`` : sql`and connector = ${filter.connector}`}
      ${filter.since === undefined ? sql`` : sql`and received_at >= ${filter.since}`}
      ${filter.ids === undefined ? sql`` : sql`and id = any(${[...filter.ids]}::uuid[])`}
    order by id desc limit ${filter.limit}`;
  return rows.map(({ errorCode, errorMessage, ...row }) => ({
    ...row,
    controller: controllerId,
    receivedAt: new Date(row.receivedAt).toISOString(),
    processedAt: row.processedAt === null ? null : new Date(row.processedAt).toISOString(),
    error: errorCode === null ? null : `${errorCode}: ${errorMessage}`,
  }));
}
