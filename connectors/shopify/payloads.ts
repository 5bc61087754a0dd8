import { z } from "zod";
import { optionalText, platformId } from "#kit";

/** What is used of Shopify's payloads (https://shopify.dev/docs/api/webhooks); everything else is dropped. */
const address = z.object({ country_code: optionalText }).nullish();

export const customer = z.object({
  id: platformId,
  email: optionalText,
  phone: optionalText,
  default_address: address,
});

export const deletedCustomer = z.object({ id: platformId });

export const order = z.object({
  id: platformId,
  email: optionalText,
  phone: optionalText,
  customer: customer.nullish(),
  billing_address: address,
  buyer_accepts_marketing: z.boolean().nullish(),
  created_at: optionalText,
});

export const editedOrder = z.object({
  order_edit: z.object({ order_id: platformId, created_at: optionalText }),
});

export const deletedOrder = z.object({ id: platformId });

export const mergedCustomers = z.object({
  admin_graphql_api_customer_kept_id: z.string(),
  admin_graphql_api_customer_deleted_id: z.string(),
  status: z.string(),
});

/** Shopify may send null for a choice that was never asked for. */
const choice = z.object({
  state: optionalText,
  opt_in_level: optionalText,
  consent_updated_at: optionalText,
  updated_at: optionalText,
});

export const emailConsent = z.object({
  customer_id: platformId,
  email_address: optionalText,
  email_marketing_consent: choice,
});

export const smsConsent = z.object({ id: platformId, phone: optionalText, sms_marketing_consent: choice });

export const whatsAppConsent = z.object({
  customer_id: platformId,
  phone_number: optionalText,
  whats_app_marketing_consent: choice,
});

const person = z.object({ id: platformId.nullish(), email: optionalText, phone: optionalText });

export const dataRequest = z.object({
  customer: person,
  orders_requested: z.array(platformId).nullish(),
  data_request: z.object({ id: platformId }).nullish(),
});

export const customerRedaction = z.object({
  customer: person,
  orders_to_redact: z.array(platformId).nullish(),
});

export const shopRedaction = z.object({ shop_id: platformId, shop_domain: z.string() });

export const uninstalledShop = z.object({});

export type Choice = z.output<typeof choice>;
export type Customer = z.output<typeof customer>;
export type Order = z.output<typeof order>;
export type Person = z.output<typeof person>;
