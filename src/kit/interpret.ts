import { createHash } from "node:crypto";
import { z } from "zod";
import { ConsentMethod, ConsentNature, ConsentPurpose, ConsentState, LetheError, RightsKind } from "#schemas";
import type { PlatformApi } from "./api/index.ts";
import { type Connector, doorsOf } from "./connector.ts";
import { connectorErrors, payloadErrors } from "./errors.ts";
import type { AboutEvent, EventHandler } from "./events.ts";
import type { Envelope } from "./extract.ts";
import { instant } from "./instant.ts";
import { parseBody } from "./payload.ts";
import type { DeliveryFacts } from "./receive.ts";
import type { ConsentRecord, PersonalRecord } from "./records.ts";
import { whereOf } from "./where.ts";

/** One event of a verified request: what it is about, and its payload, which is not checked yet. */
export interface ReceivedEvent {
  /** Its place in the request. */
  readonly index: number;
  readonly topic: string | undefined;
  readonly account: string | undefined;
  /** ISO 8601 in UTC. */
  readonly occurredAt: string | undefined;
  /** What tells it from the other events of any request, to be MACed; undefined where the request has no other. */
  readonly identity: readonly string[] | undefined;
  readonly payload: unknown;
}

/** The most records that an event may give. */
export const MAX_RECORDS = 100;

/** The most events that a request may carry. Platforms send up to a thousand. */
export const MAX_EVENTS = 10_000;

/** The topic as it may be stored in the clear: one that the connector declares, otherwise null. */
export function declaredTopic(connector: Connector, topic: string | undefined): string | null {
  return topic !== undefined && Object.hasOwn(connector.events, topic) ? topic : null;
}

/** The events of a verified body: itself, or those that its door takes out of it. Throws `payload/*`. */
export function eventsOf(
  connector: Connector,
  body: Uint8Array,
  about: Omit<DeliveryFacts, "identity" | "environment">,
): readonly ReceivedEvent[] {
  const door = doorsOf(connector)[about.door] ?? doorsOf(connector)[0];
  const payload = parseBody(door?.body ?? "json", body);
  const { topic, account, occurredAt } = about;
  if (door?.events === undefined)
    return [{ index: 0, topic, account, occurredAt, identity: undefined, payload }];
  const events = safely(() => door.events?.(payload) ?? []);
  if (events.length > MAX_EVENTS) throw payloadErrors.tooManyEvents(MAX_EVENTS);
  return events.map((event, index) => {
    const envelope: Envelope = { request: { header: () => undefined }, body: payload, event };
    const parts = door.id.parts.map((part) => part(envelope)).filter((part) => part !== undefined);
    return {
      index,
      topic: door.topic(envelope),
      account: door.account?.(envelope),
      occurredAt: instant(door.occurredAt?.(envelope)),
      identity: parts.length > 0 && parts.length === door.id.parts.length ? parts : [hashOf(event)],
      payload: event,
    };
  });
}

function hashOf(event: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(event) ?? "")
    .digest("hex");
}

/** Whether the event only points to what happened, and there is somewhere to fetch it from. */
export function isThin(connector: Connector, { topic }: ReceivedEvent): boolean {
  return handlerOf(connector, topic)?.fetch !== undefined;
}

/** Fetches what a thin event points to; undefined when it is gone. Throws `payload/*` and `platform/*`. */
export async function fetchObject(
  connector: Connector,
  event: ReceivedEvent,
  api: PlatformApi,
): Promise<unknown> {
  const handler = handlerOf(connector, event.topic);
  if (handler?.fetch === undefined) return undefined;
  const pointer = checked(handler.schema, event.payload);
  const { get } = handler.fetch;
  const own: unknown[] = [];
  const watched: PlatformApi = {
    get: (address) =>
      api.get(address).catch((error: unknown) => {
        own.push(error);
        throw error;
      }),
  };
  try {
    return await get(pointer as never, watched);
  } catch (error) {
    // The core's own failures, such as a database that is away, are no fault of the connector's, and may pass.
    throw error instanceof LetheError || own.includes(error) ? error : payloadErrors.connectorFault();
  }
}

/**
 * What tells the state that was fetched from the object's other states, where the connector says what does. An object
 * that is gone has one state.
 */
export function versionOf(
  connector: Connector,
  { topic, payload }: ReceivedEvent,
  object: unknown,
): readonly string[] | undefined {
  const handler = handlerOf(connector, topic);
  if (topic === undefined || handler?.fetch?.version === undefined) return undefined;
  const { schema, version } = handler.fetch;
  const pointer = JSON.stringify(checked(handler.schema, payload));
  if (object === undefined) return [topic, pointer];
  return [topic, pointer, safely(() => version(checked(schema, object) as never)) ?? hashOf(object)];
}

/**
 * Turns an event into records, or undefined for a topic that the connector does not declare. `object` is what a thin
 * event points to, where it was fetched. Throws `payload/*`; the errors name schema paths, never values.
 */
export function interpret(
  connector: Connector,
  event: ReceivedEvent,
  receivedAt: string,
  object?: unknown,
): readonly PersonalRecord[] | undefined {
  const { topic, account, occurredAt = receivedAt } = event;
  if (topic === undefined) throw payloadErrors.noTopic();
  const handler = handlerOf(connector, topic);
  if (handler === undefined) return undefined;
  const payload = checked(handler.schema, event.payload);
  const records = safely(() => recordsOf(handler, payload, object, { topic, account, occurredAt }));
  checkDeclared(connector, records);
  return records;
}

function handlerOf(connector: Connector, topic: string | undefined): EventHandler | undefined {
  return topic !== undefined && Object.hasOwn(connector.events, topic) ? connector.events[topic] : undefined;
}

function recordsOf(
  { fetch, records }: EventHandler,
  payload: unknown,
  object: unknown,
  about: AboutEvent,
): readonly PersonalRecord[] {
  if (fetch === undefined || object === undefined) return records(payload as never, about);
  return fetch.records(checked(fetch.schema, object) as never, about, payload as never);
}

function checked(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw payloadErrors.unexpectedShape(whereOf(schema, parsed.error));
  return parsed.data;
}

/** A connector's own exception could quote the payload: it is replaced. */
function safely<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof LetheError ? error : payloadErrors.connectorFault();
  }
}

/** Checked when it runs too: what is free text to a connector may be anything to a platform. */
const Choice = z.object({
  purpose: ConsentPurpose.optional(),
  state: ConsentState,
  nature: ConsentNature,
  method: ConsentMethod,
});

function checkDeclared(connector: Connector, records: readonly PersonalRecord[]): void {
  const refuse = (fault: string) => connectorErrors.invalid(connector.id, fault);
  const subjects = records.filter(({ type }) => type === "subject").length;
  if (subjects > 1) throw refuse("an event names more than one subject");
  if (records.length > MAX_RECORDS) throw refuse(`an event gives more than ${MAX_RECORDS} records`);
  for (const record of records) {
    if (record.type === "activity" && !Object.hasOwn(connector.activities, record.activity))
      throw refuse(
        `it records an activity that it does not declare; it declares ${Object.keys(connector.activities).join(", ")}`,
      );
    if (record.type === "consent") checkWords(connector, record);
    if (record.type === "rights" && !RightsKind.safeParse(record.kind).success)
      throw refuse(`it records a request for a right that is none of ${RightsKind.options.join(", ")}`);
    const needsSubject = record.type === "activity" || record.type === "consent";
    if (needsSubject && subjects === 0) throw refuse(`it records ${record.type} without a subject`);
  }
}

/** Names the field and its words, and not the word that was there. */
function checkWords(connector: Connector, record: ConsentRecord): void {
  const { purpose, list } = record;
  if ((purpose === undefined) === (list === undefined))
    throw connectorErrors.invalid(
      connector.id,
      "it records a consent with neither a purpose nor a list, or with both",
    );
  if (list !== undefined && connector.consent?.lists === undefined)
    throw connectorErrors.invalid(
      connector.id,
      "it records a consent for a list, and its consent.lists says of none",
    );
  const [issue] = Choice.safeParse(record).error?.issues ?? [];
  if (issue === undefined) return;
  const field = String(issue.path[0]) as keyof typeof Choice.shape;
  const words = (field === "purpose" ? ConsentPurpose : Choice.shape[field]).options.join(", ");
  throw connectorErrors.invalid(connector.id, `it records a consent whose ${field} is none of ${words}`);
}
