import {
  accountUninstalled,
  activity,
  consent,
  type Door,
  defineConnector,
  header,
  hmac,
  on,
  rightsRequest,
  type SubjectRecord,
  subject,
} from "#kit";
import { consentSection } from "./consent.ts";
import { Credentials } from "./credentials.ts";
import * as payload from "./payloads.ts";
import { rightsSection } from "./rights.ts";

/** Days in which Shopify wants a compliance webhook acted on (https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance). */
const COMPLIANCE_DAYS = 30;

const CUSTOMERS = { purpose: "customer_management", lawfulBasis: "contract" } as const;
const ORDERS = { purpose: "order_fulfilment", lawfulBasis: "contract" } as const;
const PROFILE = ["name", "email_address", "telephone_number", "postal_address", "customer_id"] as const;

export default defineConnector({
  id: "shopify",
  name: "Shopify",
  documentation: "https://shopify.dev/docs/apps/build/webhooks",
  credentials: Credentials,
  consent: consentSection,
  rights: rightsSection,

  // Two header families. Where `shopify-hmac-sha256` is there, the official SDK ignores the older one.
  webhook: [family("shopify-"), family("x-shopify-")],

  activities: {
    "customer.created": { ...CUSTOMERS, dataCategories: PROFILE },
    "customer.updated": { ...CUSTOMERS, dataCategories: PROFILE },
    "customer.deleted": { ...CUSTOMERS, dataCategories: ["customer_id"] },
    "customer.enabled": { ...CUSTOMERS, dataCategories: ["account", "customer_id"] },
    "customer.disabled": { ...CUSTOMERS, dataCategories: ["account", "customer_id"] },
    "customer.merged": { ...CUSTOMERS, dataCategories: ["customer_id"] },
    "order.created": { ...ORDERS, dataCategories: [...PROFILE, "purchase_history", "payment"] },
    "order.edited": { ...ORDERS, dataCategories: ["purchase_history"] },
    "order.deleted": { ...ORDERS, dataCategories: ["purchase_history"] },
    "consent.updated": {
      purpose: "direct_marketing",
      lawfulBasis: "consent",
      dataCategories: ["email_address", "telephone_number", "preferences"],
    },
    "privacy.requested": {
      purpose: "legal_compliance",
      lawfulBasis: "legal_obligation",
      dataCategories: ["email_address", "telephone_number", "customer_id"],
    },
  },

  events: {
    "customers/create": on(payload.customer, (c) => [known(c), activity("customer.created")]),
    "customers/update": on(payload.customer, (c) => [known(c), activity("customer.updated")]),
    "customers/enable": on(payload.customer, (c) => [known(c), activity("customer.enabled")]),
    "customers/disable": on(payload.customer, (c) => [known(c), activity("customer.disabled")]),
    "customers/delete": on(payload.deletedCustomer, (c) => [
      subject({ platformId: c.id }),
      activity("customer.deleted"),
    ]),
    "customers/merge": on(payload.mergedCustomers, (m) =>
      // A merge that failed says nothing about who is whom.
      m.status !== "completed"
        ? []
        : [
            subject({
              platformIds: [
                fromGid(m.admin_graphql_api_customer_kept_id),
                fromGid(m.admin_graphql_api_customer_deleted_id),
              ],
            }),
            activity("customer.merged"),
          ],
    ),

    "orders/create": on(payload.order, (o) => [
      buyer(o),
      activity("order.created", { occurredAt: o.created_at }),
      ...(o.buyer_accepts_marketing === true
        ? [consent({ purpose: "email_marketing", state: "granted", nature: "snapshot", method: "checkout" })]
        : []),
    ]),
    "orders/edited": on(payload.editedOrder, ({ order_edit: edit }) => [
      subject({ objects: [`order:${edit.order_id}`] }),
      activity("order.edited", { occurredAt: edit.created_at }),
    ]),
    "orders/delete": on(payload.deletedOrder, (o) => [
      subject({ objects: [`order:${o.id}`] }),
      activity("order.deleted"),
    ]),

    "customers_email_marketing_consent/update": on(payload.emailConsent, (c) => [
      subject({ platformId: c.customer_id, email: c.email_address }),
      ...choice("email_marketing", c.email_marketing_consent),
    ]),
    "customers_marketing_consent/update": on(payload.smsConsent, (c) => [
      subject({ platformId: c.id, phone: c.phone }),
      ...choice("sms_marketing", c.sms_marketing_consent),
    ]),
    "customers_whats_app_marketing_consent/update": on(payload.whatsAppConsent, (c) => [
      subject({ platformId: c.customer_id, phone: c.phone_number }),
      ...choice("whatsapp_marketing", c.whats_app_marketing_consent),
    ]),

    "customers/data_request": on(payload.dataRequest, (r) => [
      requester(r.customer),
      activity("privacy.requested"),
      rightsRequest("access", {
        dueInDays: COMPLIANCE_DAYS,
        details: { customer: r.customer, orders: r.orders_requested ?? [], request: r.data_request?.id },
      }),
    ]),
    "customers/redact": on(payload.customerRedaction, (r) => [
      requester(r.customer),
      activity("privacy.requested"),
      rightsRequest("erasure", {
        dueInDays: COMPLIANCE_DAYS,
        details: { customer: r.customer, orders: r.orders_to_redact ?? [] },
      }),
    ]),
    "shop/redact": on(payload.shopRedaction, (r) => [
      rightsRequest("erasure", {
        scope: "account",
        dueInDays: COMPLIANCE_DAYS,
        details: { shop: r.shop_domain, id: r.shop_id },
      }),
    ]),
    "app/uninstalled": on(payload.uninstalledShop, () => [accountUninstalled()]),
  },
});

function family(prefix: "shopify-" | "x-shopify-"): Door {
  return {
    signature: hmac({ header: `${prefix}hmac-sha256`, algorithm: "sha256", encoding: "base64" }),
    requires: [`${prefix}topic`, `${prefix}shop-domain`, `${prefix}webhook-id`],
    body: "json",
    id: { parts: [header(`${prefix}webhook-id`)] },
    topic: header(`${prefix}topic`),
    account: header(`${prefix}shop-domain`),
    occurredAt: header(`${prefix}triggered-at`),
  };
}

function known(c: payload.Customer): SubjectRecord {
  return subject({
    platformId: c.id,
    email: c.email,
    phone: c.phone,
    region: c.default_address?.country_code,
  });
}

/** The order's own address may be somebody else's, so it counts only where the order names no customer. */
function buyer(o: payload.Order): SubjectRecord {
  const region = o.billing_address?.country_code ?? o.customer?.default_address?.country_code;
  return subject({
    platformId: o.customer?.id,
    email: o.customer?.email || o.email,
    phone: o.customer?.phone || o.phone,
    objects: [`order:${o.id}`],
    region,
  });
}

function requester(person: payload.Person): SubjectRecord {
  return subject({ platformId: person.id, email: person.email, phone: person.phone });
}

const STATES = {
  subscribed: "granted",
  unsubscribed: "withdrawn",
  pending: "pending",
  not_subscribed: "not_asked",
} as const;

const LEVELS = { single_opt_in: "single_opt_in", confirmed_opt_in: "confirmed_opt_in" } as const;

/** `redacted` and `invalid` are Shopify's doing, and null is no choice at all: nobody expressed anything. */
function choice(purpose: "email_marketing" | "sms_marketing" | "whatsapp_marketing", given: payload.Choice) {
  const state = own(STATES, given.state);
  const recorded = activity("consent.updated");
  if (state === undefined) return [recorded];
  return [
    recorded,
    consent({
      purpose,
      state,
      nature: state === "not_asked" ? "snapshot" : "expressed",
      method: own(LEVELS, given.opt_in_level) ?? "unknown",
      occurredAt: given.consent_updated_at ?? given.updated_at,
    }),
  ];
}

/** What a table holds for a word, in any case; a word such as `__proto__` finds nothing. */
function own<Table extends object>(
  table: Table,
  word: string | null | undefined,
): Table[keyof Table] | undefined {
  const key = word?.toLowerCase() ?? "";
  return Object.hasOwn(table, key) ? table[key as keyof Table] : undefined;
}

/** `gid://shopify/Customer/1` → `1`, the id that the other webhooks carry. */
function fromGid(gid: string): string {
  return gid.slice(gid.lastIndexOf("/") + 1);
}
