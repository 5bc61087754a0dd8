import type { ControllerTransaction } from "#database";
import type { ConnectionId, DeliveryId } from "#schemas";
import { type ControllerKeys, keyedHash } from "#vault";

/** One of several events of a request, by the keyed MAC of what the platform identifies it by. */
export interface EventKey {
  readonly connectionId: ConnectionId;
  readonly dedupe: Uint8Array;
  readonly deliveryId: DeliveryId;
}

/** The event's idempotency key, the same in whichever request it comes; none for one that is the whole request. */
export function eventKey(
  keys: ControllerKeys,
  deliveryId: DeliveryId,
  connectionId: ConnectionId,
  identity: readonly string[] | undefined,
): EventKey | undefined {
  if (identity === undefined) return undefined;
  const dedupe = keyedHash(keys.current("mac").key, "event", ...identity).subarray(0, 16);
  return { connectionId, dedupe, deliveryId };
}

/**
 * Notes that these events have their effects now. Returns the places of those that had none before: the others came
 * already, in another request or in an earlier try of this one.
 */
export async function claimEvents(
  { sql, controllerId }: ControllerTransaction,
  keys: readonly EventKey[],
): Promise<ReadonlySet<number>> {
  if (keys.length === 0) return new Set();
  // In the order of their keys, so that two runs with the same events cannot wait for each other.
  const rows = await sql<{ place: number }[]>`
    with given as materialized (
      select distinct on (connection_id, dedupe) connection_id, decode(dedupe, 'hex') as dedupe, delivery_id, place from unnest(
        ${keys.map(({ connectionId }) => connectionId)}::uuid[], ${keys.map(({ dedupe }) => Buffer.from(dedupe).toString("hex"))}::text[],
        ${keys.map(({ deliveryId }) => deliveryId)}::uuid[], ${keys.map((_, place) => place)}::int[]) as t(connection_id, dedupe, delivery_id, place)
      order by connection_id, dedupe, place
    ), fresh as (
      insert into delivery_event (controller_id, connection_id, dedupe, delivery_id)
      select ${controllerId}::uuid, connection_id, dedupe, delivery_id from given order by connection_id, dedupe
      on conflict do nothing returning connection_id, dedupe
    )
    select place from given join fresh using (connection_id, dedupe)`;
  return new Set(rows.map(({ place }) => place));
}

/** Which of these events had their effects already, by their place. */
export async function knownEvents(
  { sql, controllerId }: ControllerTransaction,
  keys: readonly EventKey[],
): Promise<ReadonlySet<number>> {
  if (keys.length === 0) return new Set();
  const rows = await sql<{ place: number }[]>`
    select place from unnest(${keys.map(({ connectionId }) => connectionId)}::uuid[],
      ${keys.map(({ dedupe }) => Buffer.from(dedupe).toString("hex"))}::text[], ${keys.map((_, place) => place)}::int[]) as t(connection_id, dedupe, place)
    where exists (select from delivery_event e where e.controller_id = ${controllerId} and e.connection_id = t.connection_id and e.dedupe = decode(t.dedupe, 'hex'))`;
  return new Set(rows.map(({ place }) => place));
}
