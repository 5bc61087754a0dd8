import { type NewActivity, recordActivities } from "#activities";
import { appendEvents, type EventDraft } from "#audit";
import { type ConsentChange, consentsChangedByMerges, type NewConsent, recordConsents } from "#consent";
import { type ControllerTransaction, eq, tables } from "#database";
import { type Claim, claimOf, linkClaims } from "#identity";
import {
  openRequest,
  type PendingDelivery,
  type Settlement,
  settleDeliveries,
  takeDeliveries,
} from "#intake";
import { type Connector, interpret, type PersonalRecord } from "#kit";
import { type NewRightsRequest, recordRightsRequests } from "#rights";
import { type DeliveryId, describeError, type Environment, LetheError } from "#schemas";
import { type ControllerKeys, fingerprint, keyedHash } from "#vault";
import { breather } from "./breather.ts";
import { announce } from "./outbox.ts";

/** A delivery read: its records are in memory only, and go when the transaction ends. */
interface Read {
  readonly delivery: PendingDelivery;
  readonly connector: Connector;
  readonly records: readonly PersonalRecord[];
  readonly occurredAt: string;
  readonly bodyMac: Uint8Array;
}

/**
 * Open, parse, pseudonymise, link, record, audit: the effects of any number of one controller's deliveries, in
 * the caller's transaction. A delivery whose payload is at fault fails alone; the others have their effects.
 */
export async function recordDeliveries(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  ids: readonly DeliveryId[],
): Promise<readonly Settlement[]> {
  const pending = await takeDeliveries(tx, ids);
  if (pending.length === 0) return [];
  const environment = await environmentOf(tx);
  const settled: Settlement[] = [];
  const read: Read[] = [];
  const breathe = breather();
  for (const delivery of pending) {
    await breathe();
    const result = readDelivery(tx, keys, connectors, delivery, environment);
    if ("records" in result) read.push(result);
    else settled.push(result);
  }
  const events = await recordEffects(tx, keys, read);
  settled.push(
    ...read.map(({ delivery, bodyMac }) => ({ id: delivery.id, status: "processed" as const, bodyMac })),
  );
  await settleDeliveries(tx, settled);
  await appendEvents(tx, [...events, ...settled.map((one) => settledEvent(one, pending, read))]);
  return settled;
}

function readDelivery(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  delivery: PendingDelivery,
  environment: Environment,
): Read | Settlement {
  let bodyMac: Uint8Array | undefined;
  try {
    const connector = connectors.get(delivery.connector);
    if (connector === undefined || delivery.sealed === null) throw unreadable(connector === undefined);
    const { about, body } = openRequest(keys, tx.controllerId, delivery.id, delivery.sealed);
    bodyMac = keyedHash(keys.current("mac").key, "body", body);
    // The platform's test data has no place among a live controller's records.
    if (about.environment === "sandbox" && environment === "live")
      return { id: delivery.id, status: "ignored", bodyMac };
    const occurredAt = about.occurredAt ?? delivery.receivedAt;
    const records = interpret(connector, body, { topic: about.topic, account: about.account, occurredAt });
    return records === undefined
      ? { id: delivery.id, status: "ignored", bodyMac }
      : { delivery, connector, records, occurredAt, bodyMac };
  } catch (error) {
    const { code, message, retry } = describeError(error);
    if (retry) throw error;
    return { id: delivery.id, status: "failed", error: { code, message }, ...(bodyMac && { bodyMac }) };
  }
}

function unreadable(connectorMissing: boolean): LetheError {
  return connectorMissing
    ? new LetheError("delivery/no-connector", "its connector is not installed; install it and replay")
    : new LetheError("delivery/no-payload", "its payload is gone");
}

/** Writes the records of all deliveries, each kind in one statement, and returns the events that describe them. */
async function recordEffects(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  read: readonly Read[],
): Promise<EventDraft[]> {
  const claims: Claim[] = [];
  const breathe = breather();
  for (const { delivery, records } of read) {
    await breathe();
    const from = { deliveryId: delivery.id, connectionId: delivery.connectionId, region: delivery.region };
    for (const record of records) if (record.type === "subject") claims.push(claimOf(keys, from, record));
  }
  const { subjects, events: linking, merges } = await linkClaims(tx, keys, claims);
  const merged = await consentsChangedByMerges(tx, merges);
  const events = [...linking];
  const activities: NewActivity[] = [];
  const consents: NewConsent[] = [];
  const requests: NewRightsRequest[] = [];

  for (const { delivery, connector, records, occurredAt } of read) {
    const subject = subjects.get(delivery.id);
    for (const [ordinal, record] of records.entries()) {
      const place = { deliveryId: delivery.id, ordinal, connectionId: delivery.connectionId };
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
        if (await markUninstalled(tx, delivery))
          events.push(
            effect(delivery, "connection.uninstalled", `connection:${delivery.connectionId}`, undefined, {}),
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

/** How the delivery ended, with the fingerprint of what was received: the log can prove it after the payload is shredded. */
function settledEvent(
  settlement: Settlement,
  pending: readonly PendingDelivery[],
  read: readonly Read[],
): EventDraft {
  const { id, status, error } = settlement;
  const sealed = pending.find((delivery) => delivery.id === id)?.sealed ?? null;
  const records = read.find(({ delivery }) => delivery.id === id)?.records.length ?? 0;
  return {
    workflow: id,
    type: `delivery.${status}`,
    entity: `delivery:${id}`,
    actor: "hub",
    body: sealed === null ? null : fingerprint(sealed),
    facts: error === undefined ? { records } : { error: error.code },
  };
}

async function environmentOf({ db, controllerId }: ControllerTransaction): Promise<Environment> {
  const [row] = await db
    .select({ environment: tables.controller.environment })
    .from(tables.controller)
    .where(eq(tables.controller.controllerId, controllerId));
  return row?.environment ?? "live";
}

async function markUninstalled(
  { sql, controllerId }: ControllerTransaction,
  delivery: PendingDelivery,
): Promise<boolean> {
  const { count } = await sql`update connection set status = 'uninstalled', revision = revision + 1
    where controller_id = ${controllerId} and id = ${delivery.connectionId} and status = 'active'`;
  return count > 0;
}
