import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { ConsentPurpose, ConsentState } from "#schemas";
import { json, reception } from "./reception.ts";
import type { SimulatedPlatform, SimulatedRequest, SimulatedWebhook } from "./simulated.ts";

const PRIVATE_KEY = "pk_s3cret_of_the_simulated_account";
const WEBHOOK = "a8b890458b4bbfaa26d961471b83c101d6de23bd826e7e5173a15310985ec3cb";
const CHANNELS = { email_marketing: "email", sms_marketing: "sms" } as const;
const STATES = { SUBSCRIBED: "granted", UNSUBSCRIBED: "withdrawn", NEVER_SUBSCRIBED: "not_asked" } as const;

type Channel = "email" | "sms";
type Suppression = "HARD_BOUNCE" | "INVALID_EMAIL" | "SPAM_COMPLAINT" | "UNSUBSCRIBE" | "USER_SUPPRESSED";

interface Profile {
  readonly id: string;
  readonly email: string;
  readonly phone: string | undefined;
  readonly consent: Record<Channel, { consent: keyof typeof STATES; at: string | null }>;
  suppressions: { reason: Suppression; timestamp: string }[];
}

export interface SimulatedKlaviyo extends SimulatedPlatform {
  /** Nobody writes to the address any more, for another reason than the person's choice. */
  suppress(id: string, reason: Suppression): void;
}

export interface KlaviyoOptions {
  readonly delay?: number;
  readonly doubleOptIn?: boolean;
  readonly account?: string;
  readonly privateKey?: string;
}

/**
 * Klaviyo, as https://developers.klaviyo.com/en/reference/profiles_api_overview and
 * https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api tell it. `delay`: milliseconds that a job
 * takes. `doubleOptIn`: the account has people confirm, unless a job is a historical import.
 */
export function simulateKlaviyo(options: KlaviyoOptions = {}): SimulatedKlaviyo {
  const { delay = 0, doubleOptIn = false, account = "XbWWQe", privateKey = PRIVATE_KEY } = options;
  const profiles = new Map<string, Profile>();
  const outbox: SimulatedWebhook[] = [];

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
    const id = `01GDDKASAP8TKDDA2GRZDSV${String(profiles.size + 1).padStart(3, "0")}`;
    const consent = { email: holding(held.email_marketing), sms: holding(held.sms_marketing) };
    const profile: Profile = { id, email, phone, consent, suppressions: [] };
    profiles.set(id, profile);
    return profile;
  }

  function answer({ method, url, headers, body }: SimulatedRequest): Response {
    const { pathname, searchParams } = new URL(url);
    if (headers["authorization"] !== `Klaviyo-API-Key ${privateKey}`)
      return failed(401, "authentication_failed", "Incorrect authentication credentials.");
    if (!/^\d{4}-\d\d-\d\d$/.test(headers["revision"] ?? "")) return invalid("revision");
    const full = searchParams.get("additional-fields[profile]") === "subscriptions";
    switch (`${method} ${pathname}`) {
      case "POST /api/profile-subscription-bulk-create-jobs":
        return subscribe(JSON.parse(body));
      case "POST /api/profile-subscription-bulk-delete-jobs":
        return unsubscribe(JSON.parse(body));
      case "GET /api/profiles": {
        const quoted = /^equals\(email,(".*")\)$/.exec(searchParams.get("filter") ?? "")?.[1];
        if (quoted === undefined) return invalid("filter");
        const email = String(JSON.parse(quoted)).toLowerCase();
        const found = [...profiles.values()].filter((one) => one.email.toLowerCase() === email);
        return json({ data: found.map((one) => resource(one, full)), links: { next: null } });
      }
    }
    const found = profiles.get(decodeURIComponent(pathname.slice("/api/profiles/".length)));
    return method === "GET" && found !== undefined
      ? json({ data: resource(found, full) })
      : failed(404, "not_found", "A profile with the given id does not exist.");
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

type Held = Partial<Record<ConsentPurpose, ConsentState>>;
type Address = { readonly email?: string | undefined; readonly phone_number?: string | undefined };

const address = { email: z.string().optional(), phone_number: z.string().startsWith("+").optional() };
const jobOf = <Extra extends z.ZodRawShape>(type: string, consent: string, extra: Extra) => {
  const marketing = z.strictObject({
    consent: z.literal(consent),
    consented_at: z.iso.datetime().optional(),
  });
  const channel = z.strictObject({ marketing });
  const subscriptions = z.partialRecord(z.enum(["email", "sms"]), channel);
  const attributes = z.strictObject({ ...address, subscriptions });
  const profile = z.strictObject({ type: z.literal("profile"), id: z.string().optional(), attributes });
  const profiles = z.strictObject({ data: z.array(profile).min(1) });
  return z.strictObject({
    data: z.strictObject({ type: z.literal(type), attributes: z.strictObject({ profiles, ...extra }) }),
  });
};
const SubscribeJob = jobOf("profile-subscription-bulk-create-job", "SUBSCRIBED", {
  custom_source: z.string().optional(),
  historical_import: z.boolean().optional(),
});
const UnsubscribeJob = jobOf("profile-subscription-bulk-delete-job", "UNSUBSCRIBED", {});

/** To the second, as its webhooks have it. */
const now = () => `${new Date().toISOString().slice(0, 19)}+00:00`;

const holding = (state: ConsentState | undefined): Profile["consent"]["email"] =>
  state === "granted" || state === "withdrawn"
    ? { consent: state === "granted" ? "SUBSCRIBED" : "UNSUBSCRIBED", at: now() }
    : { consent: "NEVER_SUBSCRIBED", at: null };

const failed = (status: number, code: string, detail: string) =>
  json({ errors: [{ id: randomUUID(), status, code, title: detail, detail }] }, { status });
const invalid = (parameter: string) => failed(400, "invalid", `'${parameter}' is not valid.`);

function resource({ id, email, phone, consent, suppressions }: Profile, full: boolean) {
  const marketing = (channel: Channel) => {
    const { consent: status, at } = consent[channel];
    return { consent: status, consent_timestamp: at, method: null, last_updated: at };
  };
  const subscriptions = {
    email: {
      marketing: {
        can_receive_email_marketing: suppressions.length === 0,
        ...{ ...marketing("email"), double_optin: false, suppression: suppressions, list_suppressions: [] },
      },
    },
    sms: {
      marketing: { can_receive_sms_marketing: consent.sms.consent === "SUBSCRIBED", ...marketing("sms") },
    },
  };
  const attributes = { email: email || null, phone_number: phone ?? null, ...(full && { subscriptions }) };
  return { type: "profile", id, attributes, links: { self: `https://a.klaviyo.com/api/profiles/${id}/` } };
}

/** A system webhook with one event (https://developers.klaviyo.com/en/docs/working_with_system_webhooks). */
function webhook(account: string, { id, email, phone }: Profile, metric: string): SimulatedWebhook {
  const event = randomUUID();
  const attributes = { email: email || null, phone_number: phone ?? null };
  const data = {
    ...{ type: "event", id: event },
    attributes: {
      timestamp: Math.floor(Date.now() / 1_000),
      event_properties: {},
      datetime: now(),
      uuid: event,
    },
    relationships: { profile: { data: { type: "profile", id } } },
  };
  const payload = { data, included: [{ type: "profile", id, attributes }] };
  const meta = { klaviyo_webhook_id: WEBHOOK, klaviyo_account_id: account, timestamp: now() };
  return {
    headers: { "content-type": "application/json", "klaviyo-webhook-id": WEBHOOK },
    body: JSON.stringify({
      data: [{ external_id: event, topic: `event:klaviyo.${metric}`, payload }],
      meta: { ...meta, version: "2026-07-15" },
    }),
  };
}
