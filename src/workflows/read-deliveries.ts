import { type ControllerTransaction, eq, tables } from "#database";
import { type DeliveryConnection, type EventKey, eventKey, type PendingDelivery } from "#intake";
import {
  type Connector,
  declaredTopic,
  interpret,
  isThin,
  MAX_RECORDS,
  type PersonalRecord,
  type ReceivedEvent,
  versionOf,
} from "#kit";
import { describeError, type Environment, type ErrorDescription } from "#schemas";
import type { ControllerKeys } from "#vault";
import { breather } from "./breather.ts";
import type { Fetched } from "./fetch-objects.ts";
import { openDelivery, type Router, routerFor } from "./open-delivery.ts";

/** An event, read: its records are in memory only, and go when the transaction ends. */
export interface ReadEvent {
  readonly delivery: PendingDelivery;
  readonly connector: Connector;
  /** Whose event it is: of several in a request, not always the one that the request came to. */
  readonly connection: DeliveryConnection;
  /** Of an event among others: what makes its effects happen once. */
  readonly key: EventKey | undefined;
  /** The ordinal of its first record among the delivery's, the same at every try. */
  readonly ordinal: number;
  /** ISO 8601 in UTC. */
  readonly occurredAt: string;
  readonly records: readonly PersonalRecord[];
}

/** A delivery, read. */
export interface ReadDelivery {
  readonly delivery: PendingDelivery;
  /** Absent when it could not be opened. */
  readonly bodyMac?: Uint8Array;
  /** How many events it has; 0 also when that could not be found out. */
  readonly size: number;
  readonly events: readonly ReadEvent[];
  readonly faults: readonly (ErrorDescription & { readonly place: number })[];
  /** The topic that its events share, if it is one that the connector declares. */
  readonly topic: string | null;
  /** It is not over: `apart` if its platform has to be asked first, `waiting` for an answer that may come later. */
  readonly pending?: "apart" | "waiting";
}

/** The most events that are read in a transaction; but one delivery is always read, however many it has. */
const MAX_EVENTS = 2_000;

/**
 * Opens, splits, routes and interprets deliveries, up to {@link MAX_EVENTS}. What is at fault in a payload fails alone,
 * a delivery or an event of it. Throws what may pass.
 */
export async function readDeliveries(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  pending: readonly PendingDelivery[],
  fetched: Fetched | undefined,
): Promise<ReadDelivery[]> {
  const environment = await environmentOf(tx);
  const breathe = breather();
  const read: ReadDelivery[] = [];
  let size = 0;
  for (const delivery of pending) {
    await breathe();
    if (size >= MAX_EVENTS) break;
    const next = await readDelivery(tx, keys, connectors, delivery, environment, fetched);
    size += next.size;
    read.push(next);
  }
  return read;
}

async function readDelivery(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  delivery: PendingDelivery,
  environment: Environment,
  fetched: Fetched | undefined,
): Promise<ReadDelivery> {
  const nothing = { delivery, size: 0, events: [], faults: [], topic: null };
  let bodyMac: Uint8Array | undefined;
  try {
    const open = openDelivery(tx.controllerId, keys, connectors, delivery);
    bodyMac = open.bodyMac;
    // The platform's test data has no place among a live controller's records.
    if (open.environment === "sandbox" && environment === "live") return { ...nothing, bodyMac };
    const events = open.events();
    const route = await routerFor(tx, keys, open, events);
    const read = await readEvents(keys, delivery, open.connector, events, route, fetched);
    return { ...read, delivery, bodyMac, size: events.length };
  } catch (error) {
    const fault = describeError(error);
    if (fault.retry) throw error;
    return { ...nothing, ...(bodyMac && { bodyMac }), faults: [{ ...fault, place: 0 }] };
  }
}

async function readEvents(
  keys: ControllerKeys,
  delivery: PendingDelivery,
  connector: Connector,
  received: readonly ReceivedEvent[],
  route: Router,
  fetched: Fetched | undefined,
): Promise<Pick<ReadDelivery, "events" | "faults" | "topic" | "pending">> {
  const events: ReadEvent[] = [];
  const faults: ReadDelivery["faults"][number][] = [];
  let pending: ReadDelivery["pending"];
  const breathe = breather();
  for (const event of received) {
    await breathe();
    try {
      const connection = route(event);
      const thin = connection.hasCredentials && isThin(connector, event);
      if (thin && fetched === undefined) return { events: [], faults: [], topic: null, pending: "apart" };
      const answer = fetched?.get(event.index);
      if (answer?.error?.retry === true) {
        pending = "waiting";
        continue;
      }
      if (answer?.error !== undefined) throw answer.error;
      const records = interpret(connector, event, delivery.receivedAt, answer?.object);
      if (records === undefined) continue;
      const identity = event.identity ?? (answer && versionOf(connector, event, answer.object));
      events.push({
        ...{ delivery, connector, connection, records },
        key: eventKey(keys, delivery.id, connection.id, identity),
        ordinal: event.index * MAX_RECORDS,
        occurredAt: event.occurredAt ?? delivery.receivedAt,
      });
    } catch (error) {
      const fault = describeError(error);
      if (fault.retry) throw error;
      faults.push({ ...fault, place: event.index });
    }
  }
  const topics = new Set(received.map(({ topic }) => declaredTopic(connector, topic)));
  const [topic = null] = topics.size === 1 ? topics : [];
  return { events, faults, topic, ...(pending && { pending }) };
}

async function environmentOf({ db, controllerId }: ControllerTransaction): Promise<Environment> {
  const [row] = await db
    .select({ environment: tables.controller.environment })
    .from(tables.controller)
    .where(eq(tables.controller.controllerId, controllerId));
  return row?.environment ?? "live";
}
