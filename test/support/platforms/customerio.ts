import { z } from "zod";
import type { ConsentPurpose, ConsentState } from "#schemas";
import {
  type Change,
  customer,
  failed,
  isTrue,
  type Person,
  PreferencesGiven,
  page,
  seconds,
  webhook,
  within,
} from "./customerio-wire.ts";
import { json, reception } from "./reception.ts";
import type { SimulatedPlatform, SimulatedRequest, SimulatedWebhook } from "./simulated.ts";

const KEYS = { appApiKey: "s3cret-app-key", siteId: "site-1", trackApiKey: "s3cret-track-key" };
const CHANNELS = { email_marketing: "email", sms_marketing: "sms", whatsapp_marketing: "whatsapp" } as const;

export interface SimulatedCustomerIo extends SimulatedPlatform {
  /** What there is of somebody beside themselves; to be added to. */
  records(id: string): Person["records"];
  /** Sets attributes as the company would, and when they were made there (epoch seconds); nothing is reported. */
  know(id: string, attributes: Readonly<Record<string, string>>, since?: number): void;
  /** Identifiers that nobody can be added by any more. */
  readonly suppressed: ReadonlySet<string>;
  /** The person wants nothing any more, by the link in a message. */
  unsubscribe(id: string): void;
  /** The person joins or leaves a topic, such as `topic_7`. */
  chooseTopic(id: string, topic: string, state: "granted" | "withdrawn"): void;
  topic(id: string, topic: string): boolean | undefined;
  /** The person has the company's app, too. */
  addDevice(id: string): void;
}

export interface CustomerIoOptions {
  readonly region?: "us" | "eu";
  /** What people can choose in the subscription center; none if the company has not set that up. */
  readonly channels?: readonly ("email" | "sms" | "whatsapp" | "push")[];
  /** Whether a change of one preference reports all of them, not only what changed. */
  readonly repeats?: boolean;
  /** Milliseconds until a change that the API took is there. */
  readonly delay?: number;
  /** Whether it reports an unsubscribe of whom it suppresses. The documentation does not say. */
  readonly parting?: boolean;
  readonly keys?: typeof KEYS;
}

/**
 * Customer.io, as https://docs.customer.io/integrations/api/app/, https://docs.customer.io/integrations/api/track/ and
 * https://docs.customer.io/journeys/set-preferences-outside-center tell it.
 */
export function simulateCustomerIo(options: CustomerIoOptions = {}): SimulatedCustomerIo {
  const { region = "us", channels = ["email", "sms", "whatsapp"], repeats = false, delay = 0 } = options;
  const { keys = KEYS, parting = false } = options;
  const hosts = region === "eu" ? { app: "api-eu", track: "track-eu" } : { app: "api", track: "track" };
  const people = new Map<string, Person>();
  const suppressed = new Set<string>();
  let created = 0;
  const outbox: SimulatedWebhook[] = [];
  const [bearer, basic] = [`Bearer ${keys.appApiKey}`, `Basic ${btoa(`${keys.siteId}:${keys.trackApiKey}`)}`];

  const find = (id: string) => {
    const found = people.get(id);
    if (found === undefined) throw new Error(`nobody is ${id}`);
    return found;
  };
  function unsubscribe(person: Person, unsubscribed: boolean) {
    const before = person.attributes["unsubscribed"];
    person.attributes["unsubscribed"] = String(unsubscribed);
    person.timestamps["unsubscribed"] = seconds();
    if (before !== String(unsubscribed))
      outbox.push(webhook(person, unsubscribed ? "unsubscribed" : "subscribed"));
  }
  function prefer(person: Person, change: Change) {
    const { channels = {}, topics = {} } = person.preferences ?? {};
    const before = JSON.stringify(person.preferences);
    person.preferences = {
      channels: { ...channels, ...change.channels },
      topics: { ...topics, ...change.topics },
    };
    person.timestamps["cio_subscription_preferences"] = seconds();
    if (JSON.stringify(person.preferences) !== before)
      outbox.push(
        webhook(person, "cio_subscription_preferences_changed", repeats ? person.preferences : change),
      );
  }

  /** `PUT /api/v1/customers/{identifier}`: a name with dots changes one preference, the whole object all of them. */
  function identify(person: Person, body: Readonly<Record<string, unknown>>) {
    for (const [name, value] of Object.entries(body)) {
      const [, kind, key] = /^cio_subscription_preferences\.(channels|topics)\.(\w+)$/.exec(name) ?? [];
      if (kind !== undefined && key !== undefined) prefer(person, { [kind]: { [key]: value === true } });
      else if (name === "unsubscribed") unsubscribe(person, isTrue(value));
      else if (name === "cio_subscription_preferences") {
        person.preferences = undefined;
        prefer(person, PreferencesGiven.parse(value));
      } else if (!name.startsWith("_")) person.attributes[name] = String(value);
    }
  }

  const byCioId = (id: string) => [...people.values()].find(({ cioId }) => cioId === id);
  const byEmail = (email: string | undefined) =>
    [...people.values()].filter((one) => one.attributes["email"]?.toLowerCase() === email?.toLowerCase());

  /** What kind an identifier in a path is shows by its shape. */
  const named = (identifier: string) =>
    identifier.startsWith("cio_")
      ? byCioId(identifier.slice("cio_".length))
      : identifier.includes("@")
        ? byEmail(identifier)[0]
        : people.get(identifier);

  /** The identifier that is named, and the others of whom it names, because this workspace knows people by both. */
  function suppress(identifier: string) {
    const person = named(identifier);
    suppressed.add(identifier);
    if (person === undefined) return;
    for (const one of [person.id, person.attributes["email"]]) if (one) suppressed.add(one);
    people.delete(person.id);
    if (parting) outbox.push(webhook(person, "unsubscribed"));
  }

  function answerTrack({ method, body }: SimulatedRequest, path: readonly string[]): Response {
    const [, , kind, identifier = "", more] = path;
    if (kind !== "customers" || `${method} ${more ?? ""}`.trim() !== (more ? "POST suppress" : "PUT"))
      return failed(404, "not found");
    if (more) {
      setTimeout(() => suppress(identifier), delay);
      return json({});
    }
    const given = z.record(z.string(), z.unknown()).parse(JSON.parse(body));
    setTimeout(() => {
      if (suppressed.has(identifier)) return;
      const make = given["_update"] !== true && /^(?!cio_)[^@]+$/.test(identifier);
      const found = named(identifier) ?? (make ? create({ id: identifier }) : undefined);
      if (found !== undefined) identify(found, given);
    }, delay);
    return json({});
  }
  function answerApp({ method, url }: SimulatedRequest, path: readonly string[]): Response {
    const { searchParams } = new URL(url);
    const [, kind, id, what] = path;
    if (method !== "GET") return failed(405, "method not allowed");
    if (kind === "subscription_channels")
      return json({
        channels: channels.map((type, id) => ({ id, type, name: type, subscribed_by_default: true })),
      });
    if (kind !== "customers") return failed(404, "not found");
    if (id === undefined) {
      const found = byEmail(searchParams.get("email") ?? undefined);
      return json({
        results: found.map((one) => ({ email: one.attributes["email"], id: one.id, cio_id: one.cioId })),
      });
    }
    const idType = searchParams.get("id_type") ?? "id";
    const found = idType === "id" ? people.get(id) : idType === "cio_id" ? byCioId(id) : undefined;
    if (found === undefined) return failed(404, "customer not found");
    const { segments, activities, messages } = found.records;
    switch (what) {
      case "attributes":
        return json({ customer: customer(found) });
      case "segments":
        return json({ segments });
      case "activities":
        return page(what, activities, searchParams);
      case "messages":
        return page(what, within(messages, searchParams), searchParams);
      default:
        return failed(404, "not found");
    }
  }
  function answer(request: SimulatedRequest): Response {
    const { host, pathname } = new URL(request.url);
    const path = pathname.slice(1).split("/").map(decodeURIComponent);
    const authorization = request.headers["authorization"];
    if (host === `${hosts.app}.customer.io`)
      return authorization === bearer ? answerApp(request, path) : failed(401, "unauthorized");
    return authorization === basic ? answerTrack(request, path) : failed(401, "Unauthorized request");
  }

  function create({ id, ...attributes }: { id: string } & Record<string, string | undefined>): Person {
    created += 1;
    const cioId = `d9c10600${String(created).padStart(6, "0")}`;
    const known = Object.entries({ id, cio_id: cioId, ...attributes }).filter(([, value]) => value);
    const person: Person = {
      ...{ id, cioId, preferences: undefined, devices: [], timestamps: { cio_id: seconds() } },
      records: { segments: [], activities: [], messages: [] },
      attributes: Object.fromEntries(known) as Record<string, string>,
    };
    people.set(id, person);
    return person;
  }

  const offers = (channel: string) => channels.some((one) => one === channel);
  return {
    connector: "customerio",
    account: undefined,
    credentials: { ...keys, region },
    serves: (host) => Object.values(hosts).some((name) => host === `${name}.customer.io`),
    ...reception(answer),
    outbox,
    add({ email, phone, held = {} }) {
      const person = create({ id: `usr_${2_471 + created}`, email, phone });
      const sent = outbox.length;
      for (const [purpose, channel] of Object.entries(CHANNELS)) {
        const state = held[purpose as ConsentPurpose];
        if (state !== "granted" && state !== "withdrawn") continue;
        if (offers(channel)) prefer(person, { channels: { [channel]: state === "granted" } });
        else if (channel === "email") unsubscribe(person, state === "withdrawn");
      }
      outbox.length = sent;
      return person.id;
    },
    has: (id) => people.has(id),
    suppressed,
    records: (id) => find(id).records,
    know(id, attributes, since) {
      const person = find(id);
      Object.assign(person.attributes, attributes);
      if (since !== undefined) person.timestamps["cio_id"] = since;
      people.delete(id);
      people.set(attributes["id"] ?? id, Object.assign(person, { id: attributes["id"] ?? id }));
    },
    state(id, purpose): ConsentState | undefined {
      const { attributes, preferences } = find(id);
      const channel = CHANNELS[purpose as keyof typeof CHANNELS];
      if (isTrue(attributes["unsubscribed"])) return "withdrawn";
      if (!offers(channel))
        return channel === "email" && attributes["unsubscribed"] ? "granted" : "not_asked";
      const preference = preferences?.channels[channel];
      return preference === undefined ? "not_asked" : preference ? "granted" : "withdrawn";
    },
    choose(id, purpose, state) {
      const channel = CHANNELS[purpose as keyof typeof CHANNELS];
      if (!offers(channel)) return unsubscribe(find(id), state === "withdrawn");
      if (state === "granted" && isTrue(find(id).attributes["unsubscribed"])) unsubscribe(find(id), false);
      prefer(find(id), { channels: { [channel]: state === "granted" } });
    },
    unsubscribe: (id) => unsubscribe(find(id), true),
    chooseTopic: (id, topic, state) => prefer(find(id), { topics: { [topic]: state === "granted" } }),
    topic: (id, topic) => find(id).preferences?.topics[topic],
    addDevice: (id) =>
      void find(id).devices.push({ id: "device-token", platform: "ios", last_used: seconds() }),
  };
}
