import { type NewActivity, recordActivities } from "#activities";
import type { EventDraft } from "#audit";
import {
  consentsChangedByMerges,
  keepContacts,
  movePushes,
  type NewConsent,
  noteDue,
  optOutsOf,
  recordConsents,
  recordedEvent,
} from "#consent";
import type { ControllerTransaction } from "#database";
import { addressesOf, type Claim, claimOf, type Linked, linkClaims, noteSightings } from "#identity";
import type { DeliveryConnection, PendingDelivery } from "#intake";
import type { ActivityDeclaration, RightsRecord, SubjectRecord } from "#kit";
import type { NewRequest } from "#rights";
import { Jurisdiction, type Personal, type SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { breather } from "./breather.ts";
import { announce } from "./outbox.ts";
import { changedEvent } from "./propagate-consent.ts";
import type { ReadEvent } from "./read-deliveries.ts";
import { openRights } from "./rights-moves.ts";

/** Whom an event turned out to be about. */
type Subjects = (event: ReadEvent) => Linked | undefined;

/** Writes the records of all events, each kind in one statement, and returns the audit events that describe them. */
export async function recordEffects(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  read: readonly ReadEvent[],
): Promise<EventDraft[]> {
  const { subjects, erased, ...linked } = await link(tx, keys, read);
  const merged = await consentsChangedByMerges(tx, linked.merges);
  const consents = read.flatMap((event) => consentsOf(event, subjects(event)));
  const { recorded, changes } = await recordConsents(tx, consents);
  const consentAt = new Map(recorded.map((record) => [`${record.workflowId}.${record.ordinal}`, record]));

  const events = [...linked.events];
  const activities: NewActivity[] = [];
  const requests: NewRequest[] = [];
  for (const event of read) {
    const { delivery, connector, connection, records } = event;
    const subject = subjects(event);
    for (const [index, record] of records.entries()) {
      const ordinal = event.ordinal + index;
      const id = `${delivery.id}.${ordinal}`;
      const place = { deliveryId: delivery.id, ordinal, connectionId: connection.id };
      if (record.type === "activity" && subject !== undefined) {
        const { activity } = record;
        const declaration = connector.activities[activity];
        if (declaration === undefined) continue;
        if (isWithheld(subject, declaration)) {
          events.push(
            effect(delivery, "activity.withheld", `activity:${id}`, subject.auditReference, { activity }),
          );
          continue;
        }
        const recipient = declaration.recipient ?? connector.name;
        const occurredAt = timeOf(event, record.occurredAt);
        activities.push({
          ...place,
          ...{ subjectId: subject.subjectId, activity, declaration, recipient, occurredAt },
        });
        events.push(
          effect(delivery, "activity.recorded", `activity:${id}`, subject.auditReference, { activity }),
        );
      } else if (record.type === "consent" && subject !== undefined) {
        const consent = consentAt.get(id);
        if (consent !== undefined)
          events.push(recordedEvent(consent, subject.auditReference, `platform:${delivery.connector}`));
      } else if (record.type === "rights") {
        requests.push(requestFrom(event, record, ordinal, subject));
      } else if (record.type === "account" && (await markUninstalled(tx, connection))) {
        const entity = `connection:${connection.id}`;
        events.push(effect(delivery, "connection.uninstalled", entity, undefined, {}));
      }
    }
  }
  await recordActivities(tx, activities);
  for (const request of requests) await openRights(tx, keys, request);
  await noteSightings(
    tx,
    erased.map(({ delivery, connection }) => ({ deliveryId: delivery.id, connectionId: connection.id })),
  );
  // Of somebody who was erased nothing is recorded but that a platform still speaks of them.
  for (const { delivery } of erased)
    events.push(effect(delivery, "subject.erased_seen", `delivery:${delivery.id}`, undefined, {}));
  const known = await optOutsOf(tx, linked.spread);
  const toPropagate = [...merged, ...changes, ...known];
  // Before pushes and addresses, as planning takes them: in another order, each could wait for the other.
  await noteDue(tx, toPropagate);
  await movePushes(tx, linked.merges);
  await keepAddresses(tx, keys, read, subjects, new Set(toPropagate.map(({ subjectId }) => subjectId)));
  await announce(
    tx,
    toPropagate.map((change) => changedEvent(tx.controllerId, change)),
  );
  return events;
}

async function link(tx: ControllerTransaction, keys: ControllerKeys, read: readonly ReadEvent[]) {
  const claims = new Map<ReadEvent, Claim>();
  const breathe = breather();
  for (const event of read) {
    await breathe();
    const person = personOf(event);
    const { delivery, connection } = event;
    const from = { workflowId: delivery.id, connectionId: connection.id, region: connection.region };
    if (person !== undefined) claims.set(event, claimOf(keys, from, person));
  }
  const { subjects: bySubject, erased, ...linked } = await linkClaims(tx, keys, [...claims.values()]);
  const subjects: Subjects = (event) => {
    const claim = claims.get(event);
    return claim === undefined ? undefined : bySubject.get(claim);
  };
  const gone = new Set(erased);
  return {
    ...{ ...linked, subjects },
    erased: [...claims].flatMap(([event, claim]) => (gone.has(claim) ? [event] : [])),
  };
}

function personOf({ records }: ReadEvent): SubjectRecord | undefined {
  return records.findLast((record) => record.type === "subject");
}

function consentsOf(event: ReadEvent, subject: Linked | undefined): NewConsent[] {
  const { delivery, connection, records, occurredAt } = event;
  if (subject === undefined) return [];
  const region = Jurisdiction.safeParse(personOf(event)?.region?.toUpperCase());
  return [...records.entries()].flatMap(([index, record]) => {
    if (record.type !== "consent") return [];
    const { list = "" } = record;
    const tied = Object.hasOwn(connection.purposes, list) ? connection.purposes[list] : undefined;
    const purpose = record.purpose ?? tied;
    // A list of the company's own that it has tied to no purpose says nothing here.
    if (purpose === undefined) return [];
    const { state, nature, method } = record;
    return {
      ...{ workflowId: delivery.id, ordinal: event.ordinal + index, subjectId: subject.subjectId },
      ...{ connectionId: connection.id, purpose, state, nature, method, source: "platform", evidence: null },
      jurisdiction: region.data ?? null,
      occurredAt: timeOf(event, record.occurredAt),
      reportedAt: timeOf(event, occurredAt),
    };
  });
}

/** When it happened by the platform; but a time to come would outrank every later choice. */
function timeOf({ delivery, occurredAt }: ReadEvent, said: string | undefined): string {
  const when = said ?? occurredAt;
  return when < delivery.receivedAt ? when : delivery.receivedAt;
}

/** Whose choices go to other platforms is kept an address of, for those that know the person by nothing else. */
async function keepAddresses(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  read: readonly ReadEvent[],
  subjects: Subjects,
  concerned: ReadonlySet<SubjectId>,
): Promise<void> {
  if (concerned.size === 0) return;
  const contacts = read.flatMap((event) => {
    const [subject, person] = [subjects(event), personOf(event)];
    if (subject === undefined || person === undefined || !concerned.has(subject.subjectId)) return [];
    const { subjectId: id, sealedKey } = subject;
    return { ...addressesOf(person, event.connection.region), subject: { id, sealedKey } };
  });
  await keepContacts(tx, keys, contacts);
}

/** A restriction keeps everything from being processed; an objection what is not for a contract or by law (GDPR Art. 18, 21). */
function isWithheld({ restriction }: Linked, { lawfulBasis }: ActivityDeclaration): boolean {
  if (restriction === null) return false;
  return restriction === "restriction" || lawfulBasis === "legitimate_interests" || lawfulBasis === "consent";
}

function requestFrom(
  event: ReadEvent,
  { kind, scope, dueInDays }: RightsRecord,
  ordinal: number,
  subject: Linked | undefined,
): NewRequest {
  const { delivery, connection } = event;
  const person = personOf(event);
  const open = (values: readonly Personal[] = []) => values.map((value) => value.reveal());
  return {
    ...{ source: "platform", actor: `platform:${delivery.connector}`, kind, scope, regime: "platform" },
    ...{ subjectId: subject?.subjectId ?? null, connectionId: connection.id },
    delivery: { id: delivery.id, ordinal },
    details: {
      ...{
        emails: open(person?.emails),
        phones: open(person?.phones),
        platformIds: open(person?.platformIds),
      },
      ...{ region: connection.region, corrections: null },
    },
    ...{ receivedAt: delivery.receivedAt, platformDays: dueInDays },
  };
}

function effect(
  delivery: PendingDelivery,
  type: EventDraft["type"],
  entity: string,
  subject: Uint8Array | undefined,
  facts: NonNullable<EventDraft["facts"]>,
): EventDraft {
  return { workflow: delivery.id, type, entity, actor: `platform:${delivery.connector}`, subject, facts };
}

async function markUninstalled(
  { sql, controllerId }: ControllerTransaction,
  connection: DeliveryConnection,
): Promise<boolean> {
  const { count } = await sql`update connection set status = 'uninstalled', revision = revision + 1
    where controller_id = ${controllerId} and id = ${connection.id} and status = 'active'`;
  return count > 0;
}
