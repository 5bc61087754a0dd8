import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction } from "#database";
import type { DeliveryId, DeliveryStatus } from "#schemas";

export type ReplayOutcome = "replayed" | "not_failed" | "payload_gone";

/**
 * Sends failed deliveries through processing again, with an audit event each. Only what failed and still has
 * its payload can go; the others are told apart, not forced.
 */
export async function replayDeliveries(
  tx: ControllerTransaction,
  ids: readonly DeliveryId[],
  options: { dryRun: boolean },
): Promise<Map<DeliveryId, { outcome: ReplayOutcome; status: DeliveryStatus }>> {
  const { sql, controllerId } = tx;
  const rows = await sql<{ id: DeliveryId; status: DeliveryStatus; sealed: boolean }[]>`
    select d.id, d.status, exists (select from delivery_payload p where p.controller_id = d.controller_id and p.delivery_id = d.id) as sealed
    from delivery d where d.controller_id = ${controllerId} and d.id = any(${[...ids]}::uuid[]) order by d.id for update`;
  const outcomes = new Map(
    rows.map(({ id, status, sealed }) => {
      const outcome: ReplayOutcome =
        status !== "failed"
          ? status === "expired"
            ? "payload_gone"
            : "not_failed"
          : sealed
            ? "replayed"
            : "payload_gone";
      return [id, { outcome, status }] as const;
    }),
  );
  const going = rows.map(({ id }) => id).filter((id) => outcomes.get(id)?.outcome === "replayed");
  if (options.dryRun || going.length === 0) return outcomes;
  await sql`update delivery set status = 'received', processed_at = null, error_code = null, error_message = null
    where controller_id = ${controllerId} and id = any(${going}::uuid[])`;
  await sql`insert into runtime_event (controller_id, id, name, data)
    select ${controllerId}::uuid, e, 'delivery/received', jsonb_build_object('controllerId', ${controllerId}::text, 'deliveryId', d)
    from unnest(${going.map(() => uuid())}::text[], ${going}::uuid[]) as t(e, d)`;
  await appendEvents(
    tx,
    going.map((id) => ({
      workflow: id,
      type: "delivery.replayed",
      entity: `delivery:${id}`,
      actor: "operator",
    })),
  );
  return outcomes;
}
