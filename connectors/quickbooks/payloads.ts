import { z } from "zod";
import { each, optionalText, platformId } from "#kit";

/**
 * Intuit tells of changes in two ways: CloudEvents in a list (since 2026), and before `eventNotifications`, which list
 * the changed entities by company. Both are made into one kind of event here; what is missing stays missing, so that
 * one bad event does not sink the others.
 * Sources: https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks and its page on data objects,
 * https://blogs.a.intuit.com/2025/11/12/upcoming-change-to-webhooks-payload-structure
 */
export function changes(body: unknown): readonly unknown[] {
  return Array.isArray(body)
    ? body.map((event) => ofCloudEvent(CloudEvent.parse(event)))
    : each("eventNotifications")(body).flatMap(ofNotification);
}

/** Ids go into addresses and queries of the API, so nothing that means something there may stand in one. */
export const id = z.string().regex(/^[\w-]{1,64}$/);

/** What a change points to, and all that is known when it cannot be asked for. */
export const pointer = z.object({ realm: id, entity: z.string(), id });

export const merger = pointer.extend({ deletedId: id });

export interface Pointer {
  readonly realm: string;
  readonly entity: string;
  readonly id: string;
  readonly deletedId?: string | undefined;
}

const text = platformId.nullish().catch(undefined);

const CloudEvent = z
  .object({
    id: text,
    type: text,
    time: text,
    intuitentityid: text,
    intuitaccountid: text,
    data: z.object({ deletedid: text }).nullish().catch(undefined),
  })
  .catch({});

function ofCloudEvent(event: z.output<typeof CloudEvent>) {
  const [, entity, operation] = /^qbo\.([a-z]+)\.([a-z]+)\.v\d+$/i.exec(event.type ?? "") ?? [];
  return change({
    key: event.id,
    realm: event.intuitaccountid,
    entity,
    operation,
    id: event.intuitentityid,
    time: event.time,
    deletedId: event.data?.deletedid,
  });
}

const Notification = z
  .object({
    realmId: text,
    dataChangeEvent: z.object({ entities: z.array(z.unknown()).min(1) }).catch({ entities: [undefined] }),
  })
  .catch({ dataChangeEvent: { entities: [undefined] } });

const Entity = z
  .object({ name: text, id: text, operation: text, lastUpdated: text, deletedId: text })
  .catch({});

function ofNotification(given: unknown) {
  const { realmId: realm, dataChangeEvent } = Notification.parse(given);
  return dataChangeEvent.entities.map((one) => {
    const { name: entity, operation, id, lastUpdated: time, deletedId } = Entity.parse(one);
    const parts = [realm, entity, id, operation, time];
    const key = parts.every((part) => typeof part === "string") ? parts.join(" ") : undefined;
    return change({ key, realm, entity, operation, id, time, deletedId });
  });
}

/** One word for each operation: legacy says `Create`, CloudEvents `created`; for voiding both `void` and `voided` are about. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ["create", "created"],
  ["update", "updated"],
  ["delete", "deleted"],
  ["merge", "merged"],
  ["void", "voided"],
]);

type Given = string | null | undefined;

function change(
  given: Record<"key" | "realm" | "entity" | "operation" | "id" | "time" | "deletedId", Given>,
) {
  const operation = given.operation?.toLowerCase() ?? "";
  return {
    ...given,
    entity: given.entity?.toLowerCase(),
    operation: OPERATIONS.get(operation) ?? operation,
  };
}

const phone = z.object({ FreeFormNumber: optionalText }).nullish();

/** https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer; Vendor and Employee are alike. */
const contact = z.object({
  Id: id,
  PrimaryEmailAddr: z.object({ Address: optionalText }).nullish(),
  PrimaryPhone: phone,
  Mobile: phone,
  BillAddr: z.object({ Country: optionalText }).nullish(),
});

/** An answer wraps the person in the entity's name. */
export const person = z.union([
  z.object({ Customer: contact }).transform(({ Customer }) => Customer),
  z.object({ Vendor: contact }).transform(({ Vendor }) => Vendor),
  z.object({ Employee: contact }).transform(({ Employee }) => Employee),
]);

/** https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice; the other sales are alike. */
const transaction = z.object({
  Id: id,
  CustomerRef: z.object({ value: id }).nullish(),
  BillEmail: z.object({ Address: optionalText }).nullish(),
});

/** What a query answers; without the entity's name when it found nothing. */
export const found = z.object({ QueryResponse: z.looseObject({}) });

export const sale = (name: string) =>
  z
    .object({ QueryResponse: z.object({ [name]: z.array(transaction).min(1) }) })
    .transform(({ QueryResponse }) => Object.values(QueryResponse)[0]?.[0]);

/** Such a field may hold several addresses, separated by commas; only the first is surely the person's. */
export function firstAddress(text: string | null | undefined): string | undefined {
  return text?.split(/[,;\s]+/).find((part) => part !== "");
}
