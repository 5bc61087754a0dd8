import type { z } from "zod";
import type { PlatformApi } from "./api/index.ts";
import { payloadErrors } from "./errors.ts";
import { valueAt } from "./extract.ts";
import type { PersonalRecord } from "./records.ts";

/** What one topic means. */
export interface EventHandler<Activity extends string = string> {
  readonly schema: z.ZodType;
  /** Turns a parsed payload into records. No database, no network, no clock. */
  readonly records: (payload: never, about: AboutEvent) => readonly PersonalRecord<Activity>[];
  /** Where the payload only points to what happened. */
  readonly fetch?: Fetching<Activity>;
}

export interface Fetching<Activity extends string = string> {
  /** Asks the platform for what the payload points to; undefined when it is not there any more. */
  readonly get: (payload: never, api: PlatformApi) => Promise<unknown>;
  readonly schema: z.ZodType;
  /** What tells one state of the object from the next, such as when it was changed. */
  readonly version?: (object: never) => string | null | undefined;
  readonly records: (object: never, about: AboutEvent, payload: never) => readonly PersonalRecord<Activity>[];
}

export interface AboutEvent {
  readonly topic: string;
  readonly account: string | undefined;
  /** ISO 8601 in UTC: when it happened by the platform, otherwise when the hub received it. */
  readonly occurredAt: string;
}

/** Ties a loose payload schema (parse what is used, ignore the rest) to the records that it yields. */
export function on<Schema extends z.ZodType, Activity extends string>(
  schema: Schema,
  records: (payload: z.output<Schema>, about: AboutEvent) => readonly PersonalRecord<Activity>[],
): EventHandler<Activity> {
  return { schema, records };
}

/**
 * For a thin payload, which names an object and does not hold it: the object is fetched from the platform's API,
 * by the core, with the connection's credentials. `otherwise` says what is known without it: for connections that
 * have no credentials, and for objects that are gone. `version` is for platforms whose requests have no id (see
 * `pointer` of a door's id): each version has its effects once.
 */
export function thin<Pointer extends z.ZodType, Object extends z.ZodType, Activity extends string>(
  pointer: Pointer,
  fetched: {
    get: (pointer: z.output<Pointer>, api: PlatformApi) => Promise<unknown>;
    schema: Object;
    version?: (object: z.output<Object>) => string | null | undefined;
    records: (
      object: z.output<Object>,
      about: AboutEvent,
      pointer: z.output<Pointer>,
    ) => readonly PersonalRecord<Activity>[];
    otherwise: (pointer: z.output<Pointer>, about: AboutEvent) => readonly PersonalRecord<Activity>[];
  },
): EventHandler<Activity> {
  const { otherwise, ...fetch } = fetched;
  return { schema: pointer, records: otherwise, fetch };
}

/** Takes the events out of a body. Throws `payload/unexpected-shape`. */
export type Splitter = (body: unknown) => readonly unknown[];

/** The events are the list at this path of the body; without a path, the body is the list. */
export function each(path?: string): Splitter {
  const keys = path === undefined ? [] : path.split(".");
  return (body) => {
    const list = valueAt(body, keys);
    if (!Array.isArray(list)) throw payloadErrors.unexpectedShape(`"${path ?? "the top level"}" (a list)`);
    return list;
  };
}
