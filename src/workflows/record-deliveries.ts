import { type NewActivity, recordActivities } from "#activities";
import { appendEvents, type EventDraft } from "#audit";
import { type ConsentChange, consentsChangedByMerges, type NewConsent, recordConsents } from "#consent";
import type { ControllerTransaction } from "#database";
import { type Claim, claimOf, linkClaims } from "#identity";
import {
  claimEvents,
  type DeliveryConnection,
  type PendingDelivery,
  pendingDeliveries,
  type Settlement,
  settleDeliveries,
} from "#intake";
import type { Connector } from "#kit";
import { type NewRightsRequest, recordRightsRequests } from "#rights";
import type { DeliveryId } from "#schemas";
import { type ControllerKeys, fingerprint } from "#vault";
import { breather } from "./breather.ts";
import type { Fetched } from "./fetch-objects.ts";
import { announce } from "./outbox.ts";
import { type ReadDelivery, type ReadEvent, readDeliveries } from "./read-deliveries.ts";

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

/** Writes the records of all events, each kind in one statement, and returns the audit events that describe them. */
async function recordEffects(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  read: readonly ReadEvent[],
): Promise<EventDraft[]> {
  const claims = new Map<ReadEvent, Claim>();
  const breathe = breather();
  for (const event of read) {
    await breathe();
    const { delivery, connection } = event;
    const from = { deliveryId: delivery.id, connectionId: connection.id, region: connection.region };
    for (const record of event.records)
      if (record.type === "subject") claims.set(event, claimOf(keys, from, record));
  }
  const { subjects, events: linking, merges } = await linkClaims(tx, keys, [...claims.values()]);
  const merged = await consentsChangedByMerges(tx, merges);
  const events = [...linking];
  const activities: NewActivity[] = [];
  const consents: NewConsent[] = [];
  const requests: NewRightsRequest[] = [];

  for (const event of read) {
    const { delivery, connector, connection, records, occurredAt } = event;
    const claim = claims.get(event);
    const subject = claim === undefined ? undefined : subjects.get(claim);
    for (const [index, record] of records.entries()) {
      const ordinal = event.ordinal + index;
      const place = { deliveryId: delivery.id, ordinal, connectionId: connection.id };
      const said = "occurredAt" in record ? (record.occurredAt ?? occurredAt) : occurredAt;
      // A time to come would outrank every later choice.
      const when = said < delivery.receivedAt ? said : delivery.receivedAt;
      if (record.type === "activity" && subject !== undefined) {
        const declaration = connector.activities[record.activity];
        if (declaration === undefined) continue;
        const recipient = declaration.recipient ?? connector.name;
        activities.push({
          ...place,
          subjectId: subject.subjectId,
          activity: record.activity,
          declaration,
          recipient,
          occurredAt: when,
        });
        events.push(
          effect(
            delivery,
            "activity.recorded",
            `activity:${delivery.id}.${ordinal}`,
            subject.auditReference,
            { activity: record.activity },
          ),
        );
      } else if (record.type === "consent" && subject !== undefined) {
        const { purpose, state, nature, method } = record;
        consents.push({
          ...place,
          subjectId: subject.subjectId,
          purpose,
          state,
          nature,
          method,
          occurredAt: when,
        });
        events.push(
          effect(delivery, "consent.recorded", `consent:${delivery.id}.${ordinal}`, subject.auditReference, {
            purpose,
            state,
            nature,
          }),
        );
      } else if (record.type === "rights") {
        const { kind, scope, details, dueInDays } = record;
        const subjectId = subject?.subjectId ?? null;
        requests.push({
          ...place,
          kind,
          scope,
          subjectId,
          details,
          receivedAt: delivery.receivedAt,
          dueInDays,
        });
        events.push(
          effect(delivery, "rights.requested", `rights:${delivery.id}.${ordinal}`, subject?.auditReference, {
            kind,
            scope,
          }),
        );
      } else if (record.type === "account") {
        if (await markUninstalled(tx, connection))
          events.push(
            effect(delivery, "connection.uninstalled", `connection:${connection.id}`, undefined, {}),
          );
      }
    }
  }
  await recordActivities(tx, activities);
  const changes = await recordConsents(tx, consents);
  const recorded = await recordRightsRequests(tx, keys, requests);
  await announce(tx, [
    ...[...merged, ...changes].map((change) => consentChanged(tx, change)),
    ...recorded.map((request) => rightsRequested(tx, request)),
  ]);
  return events;
}

const consentChanged = (tx: ControllerTransaction, change: ConsentChange) => ({
  name: "consent/changed" as const,
  data: { controllerId: tx.controllerId, ...change },
});

const rightsRequested = (tx: ControllerTransaction, request: NewRightsRequest & { id: string }) => ({
  name: "rights/requested" as const,
  data: {
    controllerId: tx.controllerId,
    requestId: request.id,
    kind: request.kind,
    connectionId: request.connectionId,
  },
});

function effect(
  delivery: PendingDelivery,
  type: EventDraft["type"],
  entity: string,
  subject: Uint8Array | undefined,
  facts: NonNullable<EventDraft["facts"]>,
): EventDraft {
  return { workflow: delivery.id, type, entity, actor: `platform:${delivery.connector}`, subject, facts };
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

async function markUninstalled(
  { sql, controllerId }: ControllerTransaction,
  connection: DeliveryConnection,
): Promise<boolean> {
  const { count } = await sql`update connection set status = 'uninstalled', revision = revision + 1
    where controller_id = ${controllerId} and id = ${connection.id} and status = 'active'`;
  return count > 0;
}
