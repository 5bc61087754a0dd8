import {
  type ConsentMethod,
  type ConsentNature,
  type ConsentPurpose,
  type ConsentState,
  Personal,
  type RightsKind,
} from "#schemas";
import type { ConsentTarget } from "./consent.ts";
import { instant } from "./instant.ts";

/**
 * What an event says about one person. Records after a {@link subject} concern that subject; values that
 * identify a person are wrapped at once, so that they cannot be logged or stored by mistake.
 */
export type PersonalRecord<Activity extends string = string> =
  | SubjectRecord
  | ActivityRecord<Activity>
  | ConsentRecord
  | RightsRecord
  | AccountRecord;

export interface SubjectRecord {
  readonly type: "subject";
  readonly emails: readonly Personal[];
  readonly phones: readonly Personal[];
  readonly platformIds: readonly Personal[];
  /**
   * Platform objects that belong to the person, such as `order:123`. They only find a subject whom nothing
   * else in the event names; they never make or merge one, because an order can change hands.
   */
  readonly objects: readonly Personal[];
  /** ISO 3166-1 alpha-2 country that phone numbers without a country code are read in. */
  readonly region: string | undefined;
}

export interface ActivityRecord<Activity extends string = string> {
  readonly type: "activity";
  readonly activity: Activity;
  readonly occurredAt: string | undefined;
}

export interface ConsentRecord {
  readonly type: "consent";
  readonly purpose?: ConsentPurpose;
  /** One of the company's own lists there, such as `topic_7`; it counts where the connection ties it to a purpose. */
  readonly list?: string;
  readonly state: ConsentState;
  readonly nature: ConsentNature;
  readonly method: ConsentMethod;
  readonly occurredAt: string | undefined;
}

export interface RightsRecord {
  readonly type: "rights";
  readonly kind: RightsKind;
  readonly scope: "subject" | "account";
  /** Days until the platform wants it done. */
  readonly dueInDays: number;
  /** What fulfilment will need of the payload; sealed with the request. */
  readonly details: Personal;
}

export interface AccountRecord {
  readonly type: "account";
  readonly change: "uninstalled";
}

type Given = string | null | undefined;

/** The person that the event is about, by everything that the platform tells them by. Nulls and blanks are dropped. */
export function subject(known: {
  email?: Given;
  emails?: readonly Given[];
  phone?: Given;
  phones?: readonly Given[];
  platformId?: Given;
  platformIds?: readonly Given[];
  objects?: readonly Given[];
  region?: Given;
}): SubjectRecord {
  return {
    type: "subject",
    emails: personal(known.email, known.emails),
    phones: personal(known.phone, known.phones),
    platformIds: personal(known.platformId, known.platformIds),
    objects: personal(undefined, known.objects),
    region: /^[A-Za-z]{2}$/.exec(known.region?.trim() ?? "")?.[0],
  };
}

/** One of the activities that the connector declares. `occurredAt` (any ISO 8601) defaults to the event's own time. */
export function activity<const Name extends string>(
  name: Name,
  options: { occurredAt?: Given } = {},
): ActivityRecord<Name> {
  return { type: "activity", activity: name, occurredAt: instant(options.occurredAt ?? undefined) };
}

/** A choice (`expressed`) or a state that the platform reports in passing (`snapshot`). `method`: how it was collected. */
export function consent(
  record: ConsentTarget & {
    state: ConsentState;
    nature?: ConsentNature;
    method: ConsentMethod;
    occurredAt?: Given;
  },
): ConsentRecord {
  const { purpose, list } = record;
  return {
    type: "consent",
    ...(purpose === undefined ? { list } : { purpose }),
    state: record.state,
    nature: record.nature ?? "expressed",
    method: record.method,
    occurredAt: instant(record.occurredAt ?? undefined),
  };
}

/** A request to exercise a right, with what fulfilment will need to find the data. */
export function rightsRequest(
  kind: RightsKind,
  request: { scope?: "subject" | "account"; dueInDays: number; details: unknown },
): RightsRecord {
  return {
    type: "rights",
    kind,
    scope: request.scope ?? "subject",
    dueInDays: request.dueInDays,
    details: new Personal(JSON.stringify(request.details)),
  };
}

/** The platform ended the connection from its side. */
export function accountUninstalled(): AccountRecord {
  return { type: "account", change: "uninstalled" };
}

function personal(one: Given, several: readonly Given[] = []): Personal[] {
  return [one, ...several]
    .map((value) => value?.trim() ?? "")
    .filter((value, index, all) => value !== "" && all.indexOf(value) === index)
    .map((value) => new Personal(value));
}
