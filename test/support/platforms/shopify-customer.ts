import { randomUUID } from "node:crypto";
import { type Details, details } from "./shopify-details.ts";
import type { SimulatedWebhook } from "./simulated.ts";

export type Channel = "email_marketing" | "sms_marketing" | "whatsapp_marketing";

export interface Choice {
  state: string;
  level: string;
  /** To the second, as Shopify keeps it. */
  at: string | null;
}

export interface Customer extends Details {
  readonly id: string;
  email: string | null;
  phone: string | null;
  readonly choices: Record<Channel, Choice>;
}

/** A customer as the API shows it, with everything that a selection could name. */
export function shown(customer: Customer | undefined) {
  if (customer === undefined) return null;
  const { id, email, phone, choices } = customer;
  const marketing = ({ state, level, at }: Choice) => ({
    ...{ marketingState: state, marketingOptInLevel: level, marketingUpdatedAt: at },
  });
  const { state, level, at } = choices.whatsapp_marketing;
  const whatsApp = state === "NOT_SUBSCRIBED" ? "NEVER_SUBSCRIBED" : state;
  const defaultPhoneNumber = {
    ...{ phoneNumber: phone, ...marketing(choices.sms_marketing) },
    whatsAppMarketingConsent: { state: whatsApp, optInLevel: level, updatedAt: at },
  };
  return {
    id: `gid://shopify/Customer/${id}`,
    ...details(customer),
    defaultEmailAddress: email && { emailAddress: email, ...marketing(choices.email_marketing) },
    defaultPhoneNumber: phone && defaultPhoneNumber,
  };
}

/** https://shopify.dev/docs/api/webhooks : ids as bare digits, however many; the time to the nanosecond. */
export function webhook(
  shop: string,
  { id, email, phone, choices }: Customer,
  channel: Channel,
): SimulatedWebhook {
  const { state, level, at } = choices[channel];
  const choice = { state: state.toLowerCase(), opt_in_level: level.toLowerCase() };
  const consent = JSON.stringify({ ...choice, consent_updated_at: at, consent_collected_from: "OTHER" });
  const [topic, body] = {
    email_marketing: [
      "customers_email_marketing_consent/update",
      `{"customer_id":${id},"email_address":${JSON.stringify(email)},"email_marketing_consent":${JSON.stringify({ ...choice, consent_updated_at: at })}}`,
    ],
    sms_marketing: [
      "customers_marketing_consent/update",
      `{"id":${id},"phone":${JSON.stringify(phone)},"sms_marketing_consent":${consent}}`,
    ],
    whatsapp_marketing: [
      "customers_whats_app_marketing_consent/update",
      `{"customer_id":${id},"phone_number":${JSON.stringify(phone)},"whats_app_marketing_consent":${JSON.stringify({ ...choice, updated_at: at, collected_from: "OTHER" })}}`,
    ],
  }[channel] as [string, string];
  return {
    headers: {
      "content-type": "application/json",
      "x-shopify-topic": topic,
      "x-shopify-shop-domain": shop,
      "x-shopify-api-version": "2026-07",
      "x-shopify-webhook-id": randomUUID(),
      "x-shopify-event-id": randomUUID(),
      "x-shopify-triggered-at": new Date().toISOString().replace("Z", "456789Z"),
    },
    body,
  };
}
