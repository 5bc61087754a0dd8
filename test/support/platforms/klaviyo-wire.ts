import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { ConsentPurpose, ConsentState } from "#schemas";
import { json } from "./reception.ts";
import type { SimulatedWebhook } from "./simulated.ts";

const WEBHOOK = "a8b890458b4bbfaa26d961471b83c101d6de23bd826e7e5173a15310985ec3cb";

export type Channel = "email" | "sms";
export type Suppression =
  | "HARD_BOUNCE"
  | "INVALID_EMAIL"
  | "SPAM_COMPLAINT"
  | "UNSUBSCRIBE"
  | "USER_SUPPRESSED";

export interface Profile {
  readonly id: string;
  email: string;
  phone: string | undefined;
  /** Its other attributes. */
  readonly more: Record<string, unknown>;
  readonly records: Readonly<Record<RecordsOf, { id: string; [attribute: string]: unknown }[]>>;
  readonly consent: Record<
    Channel,
    { consent: "SUBSCRIBED" | "UNSUBSCRIBED" | "NEVER_SUBSCRIBED"; at: string | null }
  >;
  suppressions: { reason: Suppression; timestamp: string }[];
}

export type RecordsOf = "lists" | "segments" | "push-tokens" | "events";

export type Held = Partial<Record<ConsentPurpose, ConsentState>>;
export type Address = { readonly email?: string | undefined; readonly phone_number?: string | undefined };

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
export const SubscribeJob = jobOf("profile-subscription-bulk-create-job", "SUBSCRIBED", {
  custom_source: z.string().optional(),
  historical_import: z.boolean().optional(),
});
export const UnsubscribeJob = jobOf("profile-subscription-bulk-delete-job", "UNSUBSCRIBED", {});

/** By exactly one of them (https://developers.klaviyo.com/en/reference/request_profile_deletion). */
export const DeletionJob = z.strictObject({
  data: z.strictObject({
    type: z.literal("data-privacy-deletion-job"),
    attributes: z.strictObject({
      profile: z.strictObject({
        data: z
          .strictObject({
            type: z.literal("profile"),
            id: z.string().optional(),
            attributes: z.strictObject({ email: z.string().optional(), phone_number: z.string().optional() }),
          })
          .refine(
            ({ id, attributes }) =>
              [id, attributes.email, attributes.phone_number].filter((one) => one !== undefined).length === 1,
          ),
      }),
    }),
  }),
});

const text = z.string().nullish();
export const ProfilePatch = z.strictObject({
  data: z.strictObject({
    type: z.literal("profile"),
    id: z.string(),
    attributes: z.strictObject({
      ...{ email: text, phone_number: text, first_name: text, last_name: text },
      location: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
});

/** To the second, as its webhooks have it. */
export const now = () => `${new Date().toISOString().slice(0, 19)}+00:00`;

export const holding = (state: ConsentState | undefined): Profile["consent"]["email"] =>
  state === "granted" || state === "withdrawn"
    ? { consent: state === "granted" ? "SUBSCRIBED" : "UNSUBSCRIBED", at: now() }
    : { consent: "NEVER_SUBSCRIBED", at: null };

export const failed = (status: number, code: string, detail: string) =>
  json({ errors: [{ id: randomUUID(), status, code, title: detail, detail }] }, { status });
export const invalid = (parameter: string) => failed(400, "invalid", `'${parameter}' is not valid.`);

export function resource({ id, email, phone, more, consent, suppressions }: Profile, full: boolean) {
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
  const attributes = {
    ...{ email: email || null, phone_number: phone ?? null, ...more },
    ...(full && { subscriptions }),
  };
  return { type: "profile", id, attributes, links: { self: `https://a.klaviyo.com/api/profiles/${id}/` } };
}

/** A system webhook with one event (https://developers.klaviyo.com/en/docs/working_with_system_webhooks). */
export function webhook(account: string, { id, email, phone }: Profile, metric: string): SimulatedWebhook {
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
