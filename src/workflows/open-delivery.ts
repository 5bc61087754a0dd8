import type { ControllerTransaction } from "#database";
import { type DeliveryConnection, openRequest, type PendingDelivery, siblingsOf } from "#intake";
import { type Connector, configured, eventsOf, payloadErrors, plainAccount, type ReceivedEvent } from "#kit";
import { type ControllerId, LetheError } from "#schemas";
import { type ControllerKeys, keyedHash } from "#vault";

/** A delivery, open: what it holds is in memory only, until the step ends. */
export interface OpenDelivery {
  readonly delivery: PendingDelivery;
  readonly connector: Connector;
  readonly environment: "live" | "sandbox" | undefined;
  readonly bodyMac: Uint8Array;
  /** Throws `payload/*` if the body cannot be read. */
  readonly events: () => readonly ReceivedEvent[];
}

/** Opens a sealed delivery. Throws `delivery/*`, `vault/*` or `connector/bad-configuration`. */
export function openDelivery(
  controllerId: ControllerId,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  delivery: PendingDelivery,
): OpenDelivery {
  const { id, connector: name, connection, sealed } = delivery;
  const known = connectors.get(name);
  if (known === undefined)
    throw new LetheError(
      "delivery/no-connector",
      "its connector is not installed, or was refused at start; mend that and replay",
    );
  if (sealed === null) throw new LetheError("delivery/no-payload", "its payload is gone");
  const connector = configured(known, connection.configuration);
  const { about, body } = openRequest(keys, controllerId, id, sealed);
  return {
    ...{ delivery, connector },
    environment: about.environment,
    bodyMac: keyedHash(keys.current("mac").key, "body", body),
    events: () => eventsOf(connector, body, about),
  };
}

/** Finds the connection that an event is for. Throws `payload/unknown-account`. */
export type Router = (event: ReceivedEvent) => DeliveryConnection;

/**
 * Events of several accounts may come in one request; the database is asked only if they do. Connections that are
 * configured one by one have nothing in common: each may be another platform.
 */
export async function routerFor(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  { connector, delivery: { connection } }: OpenDelivery,
  events: readonly ReceivedEvent[],
): Promise<Router> {
  const isOwn = ({ identity, account }: ReceivedEvent) =>
    // An event without an identity of its own is the whole request, and the door has checked its account.
    identity === undefined ||
    account === undefined ||
    connection.account === null ||
    plainAccount(account) === connection.account;
  const others =
    events.every(isOwn) || connection.configuration !== null
      ? new Map<string, DeliveryConnection>()
      : await siblingsOf(tx, keys, connector.id, connection.id);
  return (event) => {
    if (isOwn(event)) return connection;
    const found = others.get(plainAccount(event.account ?? ""));
    if (found === undefined) throw payloadErrors.unknownAccount();
    return found;
  };
}
