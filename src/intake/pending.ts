import type { ControllerTransaction } from "#database";
import type { ConnectionId, DeliveryId, Purpose, Sealed } from "#schemas";
import type { ControllerKeys } from "#vault";
import { currentSecrets, openSecrets, type WebhookSecret } from "./connections.ts";
import type { StoredRequest } from "./sealed-request.ts";

/** A delivery that waits to be processed, its payload still sealed. */
export interface PendingDelivery {
  readonly id: DeliveryId;
  readonly connector: string;
  readonly receivedAt: string;
  readonly connection: DeliveryConnection;
  /** Null when it is gone, which only a hand in the database can do. */
  readonly sealed: Sealed<StoredRequest> | null;
}

/** What processing needs to know of the connection that a delivery, or one of its events, is for. */
export interface DeliveryConnection {
  readonly id: ConnectionId;
  readonly account: string | null;
  readonly region: string | null;
  readonly hasCredentials: boolean;
  readonly configuration: unknown;
  /** Which of the company's own lists there are which purposes. */
  readonly purposes: Readonly<Record<string, Purpose>>;
}

type PendingRow = Omit<PendingDelivery, "connection"> &
  Omit<DeliveryConnection, "id"> & { connectionId: ConnectionId };

/**
 * Deliveries that still wait. To process them, `lock` them, so that two runs cannot both have their effects; those
 * already settled are left out, and one that another run holds is waited for.
 */
export async function pendingDeliveries(
  { sql, controllerId }: ControllerTransaction,
  ids: readonly DeliveryId[],
  { lock }: { lock: boolean },
): Promise<PendingDelivery[]> {
  const rows = await sql<PendingRow[]>`
    with taken as materialized (
      select id, connection_id, connector, received_at from delivery
      where controller_id = ${controllerId} and id = any(${[...ids]}::uuid[]) and status = 'received'
      order by id ${lock ? sql`for update` : sql``}
    )
    select t.id, t.connection_id as "connectionId", t.connector, t.received_at as "receivedAt", n.account, n.region,
      n.credentials is not null as "hasCredentials", n.configuration, n.purposes, p.sealed
    from taken t
    join connection n on n.controller_id = ${controllerId} and n.id = t.connection_id
    left join lateral (
      select sealed from delivery_payload where controller_id = ${controllerId} and delivery_id = t.id offset 0) as p on true
    order by t.id`;
  return rows.map(({ id, connector, receivedAt, sealed, connectionId, ...connection }) => ({
    ...{ id, connector, sealed },
    receivedAt: new Date(receivedAt).toISOString(),
    connection: { ...connection, id: connectionId },
  }));
}

/**
 * The controller's other connections to the same platform that have a webhook secret in common with this one, by account:
 * the events of one request may be for several of them. Without that, whoever holds one account's secret could
 * write to another's records.
 */
export async function siblingsOf(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  connector: string,
  own: ConnectionId,
): Promise<ReadonlyMap<string, DeliveryConnection>> {
  const rows = await sql<(DeliveryConnection & { secrets: Sealed<WebhookSecret[]> })[]>`
    select id, account, region, credentials is not null as "hasCredentials", configuration, purposes, secrets from connection
    where controller_id = ${controllerId} and connector = ${connector} and status = 'active' order by created_at desc`;
  const secretsOf = ({ id, secrets }: (typeof rows)[number]) =>
    currentSecrets(openSecrets(keys, controllerId, id, secrets), Date.now());
  const shared = new Set(rows.filter(({ id }) => id === own).flatMap(secretsOf));
  const siblings = rows.filter((row) => secretsOf(row).some((secret) => shared.has(secret)));
  return new Map(
    siblings.flatMap(({ secrets: _, ...row }) => (row.account === null ? [] : [[row.account, row]])),
  );
}
