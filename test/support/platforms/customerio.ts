import { z } from "zod";
import type { ConsentPurpose, ConsentState } from "#schemas";
import { json, reception } from "./reception.ts";
import type { SimulatedPlatform, SimulatedRequest, SimulatedWebhook } from "./simulated.ts";

const KEYS = { appApiKey: "s3cret-app-key", siteId: "site-1", trackApiKey: "s3cret-track-key" };
const CHANNELS = { email_marketing: "email", sms_marketing: "sms", whatsapp_marketing: "whatsapp" } as const;

type Preferences = Record<"channels" | "topics", Record<string, boolean>>;
type Change = Partial<Record<"channels" | "topics", Record<string, boolean>>>;

interface Person {
  readonly id: string;
  readonly cioId: string;
  readonly attributes: Record<string, string>;
  readonly devices: object[];
  preferences: Preferences | undefined;
  readonly timestamps: Record<string, number>;
}

export interface SimulatedCustomerIo extends SimulatedPlatform {
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
  readonly keys?: typeof KEYS;
}

/**
 * Customer.io, as https://docs.customer.io/integrations/api/app/, https://docs.customer.io/integrations/api/track/ and
 * https://docs.customer.io/journeys/set-preferences-outside-center tell it.
 */
export function simulateCustomerIo(options: CustomerIoOptions = {}): SimulatedCustomerIo {
  const { region = "us", channels = ["email", "sms", "whatsapp"], repeats = false, delay = 0 } = options;
  const { keys = KEYS } = options;
  const hosts = region === "eu" ? { app: "api-eu", track: "track-eu" } : { app: "api", track: "track" };
  const people = new Map<string, Person>();
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
        prefer(person, Preferences.parse(value));
      } else if (!name.startsWith("_")) person.attributes[name] = String(value);
    }
  }

  function answerTrack({ method, body }: SimulatedRequest, path: readonly string[]): Response {
    const [, , kind, identifier = "", more] = path;
    if (method !== "PUT" || kind !== "customers" || more !== undefined) return failed(404, "not found");
    const given = z.record(z.string(), z.unknown()).parse(JSON.parse(body));
    setTimeout(() => {
      const found = identifier.startsWith("cio_")
        ? [...people.values()].find(({ cioId }) => identifier === `cio_${cioId}`)
        : (people.get(identifier) ?? (given["_update"] === true ? undefined : create({ id: identifier })));
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
      const email = searchParams.get("email")?.toLowerCase();
      const found = [...people.values()].filter((one) => one.attributes["email"]?.toLowerCase() === email);
      return json({
        results: found.map((one) => ({ email: one.attributes["email"], id: one.id, cio_id: one.cioId })),
      });
    }
    const idType = searchParams.get("id_type") ?? "id";
    const found =
      idType === "id"
        ? people.get(id)
        : [...people.values()].find(({ cioId }) => idType === "cio_id" && cioId === id);
    if (what !== "attributes" || found === undefined) return failed(404, "customer not found");
    return json({ customer: customer(found) });
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
    const cioId = `d9c10600${String(people.size + 1).padStart(6, "0")}`;
    const known = Object.entries({ id, cio_id: cioId, ...attributes }).filter(([, value]) => value);
    const person: Person = {
      ...{ id, cioId, preferences: undefined, devices: [], timestamps: {} },
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
      const person = create({ id: `usr_${2_471 + people.size}`, email, phone });
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

const Preferences = z.object({
  channels: z.record(z.string(), z.boolean()).default({}),
  topics: z.record(z.string(), z.boolean()).default({}),
});

const isTrue = (value: unknown) => /^(true|1)$/i.test(String(value));
const seconds = () => Math.floor(Date.now() / 1_000);
const failed = (status: number, error: string) => json({ meta: { error } }, { status });

function customer({ id, attributes, preferences, devices, timestamps }: Person) {
  const text = JSON.stringify(preferences);
  return {
    id,
    attributes: { ...attributes, ...(text !== undefined && { cio_subscription_preferences: text }) },
    timestamps,
    unsubscribed: isTrue(attributes["unsubscribed"]),
    devices,
  };
}

let events = 0;

/** A reporting webhook about a person (https://docs.customer.io/integrations/api/webhooks). */
function webhook({ id, cioId, attributes }: Person, metric: string, content?: object): SimulatedWebhook {
  events += 1;
  const email = attributes["email"] ?? null;
  return {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      event_id: `01KAGV9X4T6Q0R8ZC1WJ${String(events).padStart(6, "0")}`,
      object_type: "customer",
      metric,
      timestamp: seconds(),
      data: {
        identifiers: { id, email, cio_id: cioId },
        customer_id: id,
        email_address: email,
        ...(content !== undefined && { content: JSON.stringify(content) }),
      },
    }),
  };
}
