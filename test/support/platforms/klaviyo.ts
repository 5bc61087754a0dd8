import {
  type Address,
  type Channel,
  DeletionJob,
  failed,
  type Held,
  holding,
  invalid,
  now,
  type Profile,
  ProfilePatch,
  type RecordsOf,
  resource,
  SubscribeJob,
  type Suppression,
  UnsubscribeJob,
  webhook,
} from "./klaviyo-wire.ts";
import { json, reception } from "./reception.ts";
import type { SimulatedPlatform, SimulatedRequest, SimulatedWebhook } from "./simulated.ts";

const PRIVATE_KEY = "pk_s3cret_of_the_simulated_account";
const CHANNELS = { email_marketing: "email", sms_marketing: "sms" } as const;
const STATES = { SUBSCRIBED: "granted", UNSUBSCRIBED: "withdrawn", NEVER_SUBSCRIBED: "not_asked" } as const;

export interface SimulatedKlaviyo extends SimulatedPlatform {
  /** What there is of a profile beside itself; to be added to. An event's `metric` is what happened. */
  records(id: string): Profile["records"];
  /** Nobody writes to the address any more, for another reason than the person's choice. */
  suppress(id: string, reason: Suppression): void;
}

export interface KlaviyoOptions {
  readonly delay?: number;
  readonly doubleOptIn?: boolean;
  readonly account?: string;
  readonly privateKey?: string;
  /** Whether an event that happened before a profile was deleted is reported after it. The documentation does not say. */
  readonly straggler?: boolean;
}

/**
 * Klaviyo, as https://developers.klaviyo.com/en/reference/profiles_api_overview and
 * https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api tell it. `delay`: milliseconds that a job
 * takes. `doubleOptIn`: the account has people confirm, unless a job is a historical import.
 */
export function simulateKlaviyo(options: KlaviyoOptions = {}): SimulatedKlaviyo {
  const { delay = 0, doubleOptIn = false, account = "XbWWQe", privateKey = PRIVATE_KEY } = options;
  const { straggler = false } = options;
  const profiles = new Map<string, Profile>();
  const outbox: SimulatedWebhook[] = [];
  const deletions: string[] = [];
  let created = 0;

  const find = (id: string) => {
    const found = profiles.get(id);
    if (found === undefined) throw new Error(`no profile ${id}`);
    return found;
  };
  function set(profile: Profile, channel: Channel, consent: "SUBSCRIBED" | "UNSUBSCRIBED", at = now()) {
    const before = profile.consent[channel].consent;
    profile.consent[channel] = { consent, at };
    if (channel === "email") {
      // What a subscription lifts, and what it does not (https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles).
      profile.suppressions = profile.suppressions.filter(({ reason }) =>
        consent === "SUBSCRIBED" ? /BOUNCE|INVALID/.test(reason) : reason !== "UNSUBSCRIBE",
      );
      if (consent === "UNSUBSCRIBED")
        profile.suppressions.push({ reason: "UNSUBSCRIBE", timestamp: at.replace("+00:00", "") });
    }
    const verb = consent === "SUBSCRIBED" ? "subscribed_to" : "unsubscribed_from";
    if (before !== consent) outbox.push(webhook(account, profile, `${verb}_${channel}_marketing`));
  }
  const runLater = (job: () => void) => void setTimeout(job, delay);

  function subscribe(body: unknown) {
    const job = SubscribeJob.safeParse(body).data?.data.attributes;
    const historical = job?.historical_import === true;
    for (const { id, attributes } of job?.profiles.data ?? [])
      for (const [channel, { marketing }] of Object.entries(attributes.subscriptions)) {
        if (historical === (marketing.consented_at === undefined)) return invalid("consented_at");
        if (Date.parse(marketing.consented_at ?? "1970-01-01") > Date.now()) return invalid("consented_at");
        runLater(() => {
          const profile = profiles.get(id ?? "") ?? known(attributes) ?? create(attributes);
          if (historical || !doubleOptIn)
            set(profile, channel as Channel, "SUBSCRIBED", marketing.consented_at);
        });
      }
    return job === undefined ? invalid("data") : new Response(null, { status: 202 });
  }
  function unsubscribe(body: unknown) {
    const job = UnsubscribeJob.safeParse(body).data?.data.attributes;
    for (const { attributes } of job?.profiles.data ?? [])
      for (const channel of Object.keys(attributes.subscriptions))
        runLater(() => set(known(attributes) ?? create(attributes), channel as Channel, "UNSUBSCRIBED"));
    return job === undefined ? invalid("data") : new Response(null, { status: 202 });
  }
  const known = ({ email, phone_number: phone }: Address) =>
    [...profiles.values()].find((one) => (email ? one.email === email : one.phone === phone));
  function create({ email = "", phone_number: phone }: Address, held: Held = {}) {
    const id = `01GDDKASAP8TKDDA2GRZDSV${String(created + 1).padStart(3, "0")}`;
    const consent = { email: holding(held.email_marketing), sms: holding(held.sms_marketing) };
    created += 1;
    const more = { first_name: "Carla", last_name: null, location: { address1: null, country: null } };
    const records = { lists: [], segments: [], "push-tokens": [], events: [] };
    const profile: Profile = { id, email, phone, more, records, consent, suppressions: [] };
    profiles.set(id, profile);
    return profile;
  }
  function askDeletion(body: unknown) {
    const { data } = DeletionJob.safeParse(body).data?.data.attributes.profile ?? {};
    if (data === undefined) return invalid("data");
    const { email, phone_number: phone } = data.attributes;
    const all = [...profiles.values()].filter((one) =>
      data.id !== undefined
        ? one.id === data.id
        : email !== undefined
          ? one.email === email
          : one.phone === phone,
    );
    deletions.push(...all.map(({ id }) => id));
    return new Response(null, { status: 202 });
  }
  function patch(profile: Profile, body: unknown) {
    const given = ProfilePatch.safeParse(body).data?.data;
    if (given?.id !== profile.id) return invalid("data");
    const { email, phone_number: phone, location, ...more } = given.attributes;
    const taken = [...profiles.values()].some((one) => one !== profile && email && one.email === email);
    if (taken) return failed(409, "duplicate_profile", `A profile already exists with ${email}.`);
    if (email) profile.email = email;
    if (phone) profile.phone = phone;
    Object.assign(profile.more, more, location && { location });
    return json({ data: resource(profile, false) });
  }
  function events(query: URLSearchParams) {
    const id = /^equals\(profile_id,"(.*)"\)$/.exec(query.get("filter") ?? "")?.[1];
    const all = profiles.get(id ?? "")?.records.events;
    if (all === undefined) return invalid("filter");
    const [size, from] = [Number(query.get("page[size]") ?? 200), Number(query.get("page[cursor]") ?? 0)];
    const page = all.slice(from, from + size);
    const metric = (name: unknown) => ({ type: "metric", id: `metric-${name}` });
    const next = new URLSearchParams({ "page[cursor]": String(from + size) });
    return json({
      data: page.map(({ id: event, metric: name, ...attributes }) => ({
        ...{ type: "event", id: event, attributes, relationships: { metric: { data: metric(name) } } },
        links: { self: `https://a.klaviyo.com/api/events/${event}` },
      })),
      included: [...new Set(page.map(({ metric: name }) => name))].map((name) => ({
        ...{ ...metric(name), attributes: { name } },
      })),
      links: { next: from + size < all.length ? `https://a.klaviyo.com/api/events?${next}` : null },
    });
  }

  function answer({ method, url, headers, body }: SimulatedRequest): Response {
    const { pathname, searchParams } = new URL(url);
    if (headers["authorization"] !== `Klaviyo-API-Key ${privateKey}`)
      return failed(401, "authentication_failed", "Incorrect authentication credentials.");
    if (!/^\d{4}-\d\d-\d\d$/.test(headers["revision"] ?? "")) return invalid("revision");
    const full =
      searchParams.get("additional-fields[profile]")?.split(",").includes("subscriptions") ?? false;
    switch (`${method} ${pathname}`) {
      case "POST /api/profile-subscription-bulk-create-jobs":
        return subscribe(JSON.parse(body));
      case "POST /api/profile-subscription-bulk-delete-jobs":
        return unsubscribe(JSON.parse(body));
      case "POST /api/data-privacy-deletion-jobs":
        return askDeletion(JSON.parse(body));
      case "GET /api/events":
        return events(searchParams);
      case "GET /api/profiles": {
        const quoted = /^equals\(email,(".*")\)$/.exec(searchParams.get("filter") ?? "")?.[1];
        if (quoted === undefined) return invalid("filter");
        const email = String(JSON.parse(quoted)).toLowerCase();
        const found = [...profiles.values()].filter((one) => one.email.toLowerCase() === email);
        return json({ data: found.map((one) => resource(one, full)), links: { next: null } });
      }
    }
    const [, , , id = "", what] = pathname.split("/").map(decodeURIComponent);
    const found = pathname.startsWith("/api/profiles/") ? profiles.get(id) : undefined;
    if (found === undefined) return failed(404, "not_found", "A profile with the given id does not exist.");
    if (method === "PATCH") return patch(found, JSON.parse(body));
    if (what === undefined) return json({ data: resource(found, full) });
    if (!(what in found.records)) return failed(404, "not_found", "There is nothing of that name.");
    const some = found.records[what as RecordsOf].map(({ id: one, ...attributes }) => ({
      ...{ type: what, id: one, attributes, links: { self: `https://a.klaviyo.com/api/${what}/${one}` } },
    }));
    return json({ data: some, links: { self: url, next: null } });
  }

  return {
    connector: "klaviyo",
    account,
    credentials: { privateKey },
    serves: (host) => host === "a.klaviyo.com",
    ...reception(answer),
    outbox,
    add: ({ email, phone, held }) => create({ email, phone_number: phone }, held).id,
    has: (id) => profiles.has(id),
    records: (id) => find(id).records,
    finish() {
      for (const id of deletions.splice(0)) {
        const profile = profiles.get(id);
        profiles.delete(id);
        if (profile && straggler) outbox.push(webhook(account, profile, "unsubscribed_from_email_marketing"));
      }
    },
    state: (id, purpose) => {
      const channel = CHANNELS[purpose as keyof typeof CHANNELS];
      return channel && STATES[find(id).consent[channel].consent];
    },
    choose(id, purpose, state) {
      const channel = CHANNELS[purpose as keyof typeof CHANNELS];
      set(find(id), channel, state === "granted" ? "SUBSCRIBED" : "UNSUBSCRIBED");
    },
    suppress(id, reason) {
      find(id).suppressions.push({ reason, timestamp: now().replace("+00:00", "") });
      if (reason === "SPAM_COMPLAINT") find(id).consent.email = { consent: "UNSUBSCRIBED", at: now() };
      if (reason === "SPAM_COMPLAINT") outbox.push(webhook(account, find(id), "marked_email_as_spam"));
      if (reason === "USER_SUPPRESSED")
        outbox.push(webhook(account, find(id), "manually_suppressed_from_email_marketing"));
    },
  };
}
