import { appendEvents, type EventDraft } from "#audit";
import type { ControllerTransaction } from "#database";
import { claimEvents, pendingDeliveries, type Settlement, settleDeliveries } from "#intake";
import type { Connector } from "#kit";
import type { DeliveryId } from "#schemas";
import { type ControllerKeys, fingerprint } from "#vault";
import type { Fetched } from "./fetch-objects.ts";
import { type ReadDelivery, type ReadEvent, readDeliveries } from "./read-deliveries.ts";
import { recordEffects } from "./record-effects.ts";

/** What came of taking deliveries up. */
export interface Recorded {
  /** Whose payloads nobody can read without asking their platform first. */
  readonly apart: readonly DeliveryId[];
  /** That did not fit into one transaction with the others. */
  readonly left: readonly DeliveryId[];
}

/**
 * Open, parse, pseudonymise, link, record, audit: the effects of any number of one controller's deliveries, in
 * the caller's transaction. A delivery, or an event of one, whose payload is at fault fails alone; the others have
 * their effects. `fetched` is what thin events point to; without it, deliveries that have such are set apart.
 */
export async function recordDeliveries(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  ids: readonly DeliveryId[],
  fetched?: Fetched,
): Promise<Recorded> {
  const pending = await pendingDeliveries(tx, ids, { lock: true });
  if (pending.length === 0) return { apart: [], left: [] };
  const read = await readDeliveries(tx, keys, connectors, pending, fetched);
  const events = await withoutRepeats(
    tx,
    read.flatMap((delivery) => delivery.events),
  );
  const effects = await recordEffects(tx, keys, events);
  const over = read.filter(({ pending }) => pending === undefined);
  await settleDeliveries(tx, over.map(settlementOf));
  await appendEvents(tx, [...effects, ...over.map((delivery) => settledEvent(delivery, events))]);
  return {
    apart: read.filter((one) => one.pending === "apart").map(({ delivery }) => delivery.id),
    left: pending.slice(read.length).map(({ id }) => id),
  };
}

/** Events that came before, in another request or in an earlier try of this one, have had their effects. */
async function withoutRepeats(tx: ControllerTransaction, events: readonly ReadEvent[]): Promise<ReadEvent[]> {
  const keyed = events.flatMap((event) => (event.key === undefined ? [] : [{ event, key: event.key }]));
  const fresh = await claimEvents(
    tx,
    keyed.map(({ key }) => key),
  );
  const repeats = new Set(keyed.filter((_, place) => !fresh.has(place)).map(({ event }) => event));
  return events.filter((event) => !repeats.has(event));
}

/** How the delivery ended. One bad event makes it `failed`, so that it can be replayed; the others stay as they are. */
function settlementOf({ delivery, bodyMac, size, events, faults, topic }: ReadDelivery): Settlement {
  const settled = { id: delivery.id, topic, ...(bodyMac && { bodyMac }) };
  const [fault] = faults;
  if (fault === undefined) return { ...settled, status: events.length === 0 ? "ignored" : "processed" };
  const { code, message } = fault;
  const among = size > 1 ? ` (of ${size} events: ${placesOf(faults)})` : "";
  return { ...settled, status: "failed", error: { code, message: message + among } };
}

/** `2, 5 failed`: which, as far as they fit in a line. */
function placesOf(faults: ReadDelivery["faults"]): string {
  const shown = faults.slice(0, 10).map(({ place }) => place + 1);
  const more = faults.length > shown.length ? ` and ${faults.length - shown.length} more` : "";
  return `${shown.join(", ")}${more} failed`;
}

/** With the fingerprint of what was received: the log can prove it after the payload is shredded. */
function settledEvent(read: ReadDelivery, effective: readonly ReadEvent[]): EventDraft {
  const { delivery, size, faults } = read;
  const { id, status, error } = settlementOf(read);
  const records = effective
    .filter((event) => event.delivery.id === id)
    .reduce((sum, event) => sum + event.records.length, 0);
  return {
    workflow: id,
    type: `delivery.${status}`,
    entity: `delivery:${id}`,
    actor: "hub",
    body: delivery.sealed === null ? null : fingerprint(delivery.sealed),
    facts: {
      ...(error === undefined || size > 1 ? { records } : {}),
      ...(size > 1 ? { events: size } : {}),
      ...(error === undefined ? {} : { error: error.code, ...(size > 1 && { failed: faults.length }) }),
    },
  };
}
