import type { ControllerTransaction } from "#database";
import type { DeliveryId } from "#schemas";

/**
 * Removes what is told of deliveries that were over before that time: metadata, and the keys by which one that came twice was
 * known. Whose payload is still there is not over. Returns how many there were.
 */
export async function removeDeliveries(
  { sql, controllerId }: ControllerTransaction,
  { before, limit }: { before: Date; limit: number },
): Promise<number> {
  const [removed] = await sql<{ count: number }[]>`
    with old as (
      select id from delivery d where controller_id = ${controllerId} and id < ${firstIdAt(before)}
        and status in ('processed', 'ignored', 'expired') and not exists (
          select from delivery_payload p where p.controller_id = d.controller_id and p.delivery_id = d.id)
      order by id limit ${limit}
    ), events as (
      delete from delivery_event e using old where e.controller_id = ${controllerId} and e.delivery_id = old.id
    ), gone as (
      delete from delivery d using old where d.controller_id = ${controllerId} and d.id = old.id returning d.id
    )
    select count(*)::int as count from gone`;
  return removed?.count ?? 0;
}

/** Ids of deliveries are UUIDs of version 7, which begin with the time in milliseconds (RFC 9562 §5.7): the index on them is one of time. */
function firstIdAt(time: Date): DeliveryId {
  const hex = time.getTime().toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000` as DeliveryId;
}
