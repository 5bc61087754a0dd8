import { holdIfStopped } from "#database";
import { credentialStore, eventKey, knownEvents, pendingDeliveries } from "#intake";
import { fetchObject, isThin, openApi, type PlatformApi } from "#kit";
import { type ConnectionId, type ControllerId, type DeliveryId, LetheError } from "#schemas";
import { annotate } from "#telemetry";
import type { ControllerKeys } from "#vault";
import type { WorkflowRooms } from "./index.ts";
import { openDelivery, routerFor } from "./open-delivery.ts";

/** What thin events point to, by their place in the request: an object, nothing where it is gone, or why there is none. */
export type Fetched = ReadonlyMap<number, { readonly object?: unknown; readonly error?: LetheError }>;

/** Requests to a platform at a time. */
const AT_ONCE = 4;

/**
 * Asks the platform for what a delivery's thin events point to, outside of any transaction: an API may take its time.
 * What events fail of is in the result; a delivery that cannot even be opened has none, and fails where it is recorded.
 */
export async function fetchObjects(
  { database, connectors }: WorkflowRooms,
  ring: ControllerKeys,
  controllerId: ControllerId,
  id: DeliveryId,
): Promise<Fetched> {
  const wanted = await database.inController(controllerId, async (tx) => {
    const [delivery] = await pendingDeliveries(tx, [id], { lock: false });
    if (delivery === undefined) return [];
    try {
      const open = openDelivery(controllerId, ring, connectors, delivery);
      const { connector } = open;
      const received = open.events();
      const route = await routerFor(tx, ring, open, received);
      const thin = received
        .filter((event) => isThin(connector, event))
        .flatMap((event) => {
          const connection = attempt(() => route(event));
          return connection?.hasCredentials === true ? [{ connector, event, connection }] : [];
        });
      const keys = thin.map(({ event, connection }) => eventKey(ring, id, connection.id, event.identity));
      const known = await knownEvents(
        tx,
        keys.filter((key) => key !== undefined),
      );
      return thin.filter((_, place) => !known.has(place));
    } catch (error) {
      if (error instanceof LetheError && !error.retry) return [];
      throw error;
    }
  });

  const apis = new Map<ConnectionId, PlatformApi>();
  const fetched = new Map<number, { object?: unknown; error?: LetheError }>();
  const waiting = [...wanted];
  // Nobody goes on asking when the step is over.
  const outcomes = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return fetched;

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { connector, event, connection } = next;
      // That processing stopped is no answer of the platform: the step ends with it, and begins again.
      await holdIfStopped(database);
      try {
        if (connector.api === undefined) continue;
        annotate({ "lethe.connector": connector.id });
        const store = credentialStore(database, ring, controllerId, connection.id);
        const api = apis.get(connection.id) ?? openApi(connector.api, store);
        apis.set(connection.id, api);
        fetched.set(event.index, { object: await fetchObject(connector, event, api) });
      } catch (error) {
        if (!(error instanceof LetheError)) throw error;
        fetched.set(event.index, { error });
        // A platform that is away, or asks for patience, is not asked for the rest.
        if (error.retry) for (const { event: rest } of waiting.splice(0)) fetched.set(rest.index, { error });
      }
    }
  }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // it fails where it is recorded
  }
}
