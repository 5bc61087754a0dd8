import { z } from "zod";
import {
  activity,
  defineConnector,
  header,
  on,
  optionalText,
  platformId,
  platformSchemes,
  subject,
  type WebhookRequest,
} from "#kit";
import { rightsSection } from "./rights.ts";

/** https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks; addresses hold empty strings for what is not known. */
const address = z.object({ email: optionalText, phone: optionalText, country: optionalText }).nullish();

const customer = z.object({ id: platformId, email: optionalText, billing: address });
const deleted = z.object({ id: platformId });
const order = z.object({ id: platformId, customer_id: platformId.nullish(), billing: address });

type Order = z.output<typeof order>;

const account = ({ id, email, billing }: z.output<typeof customer>) =>
  subject({
    platformId: id,
    email: email || billing?.email,
    phone: billing?.phone,
    region: billing?.country,
  });

/** Customer 0 is a guest, who is known by the billing address alone. */
const buyer = ({ id, customer_id: customerId, billing }: Order) =>
  subject({
    platformId: customerId === "0" ? null : customerId,
    email: billing?.email,
    phone: billing?.phone,
    region: billing?.country,
    objects: [`order:${id}`],
  });

const CUSTOMERS = { purpose: "customer_management", lawfulBasis: "contract" } as const;
const ORDERS = { purpose: "order_fulfilment", lawfulBasis: "contract" } as const;
const PROFILE = ["name", "email_address", "telephone_number", "postal_address", "customer_id"] as const;

export default defineConnector({
  id: "woocommerce",
  name: "WooCommerce",
  documentation: "https://woocommerce.com/document/webhooks/",
  credentials: z.object({
    url: z.url(),
    consumerKey: z.string().startsWith("ck_"),
    consumerSecret: z.string().startsWith("cs_"),
  }),
  rights: rightsSection,

  webhook: {
    signature: platformSchemes.woocommerce,
    requires: ["x-wc-webhook-topic", "x-wc-webhook-source"],
    body: "json",
    // The delivery id is a hash of webhook and second: two events in one second share it.
    id: { parts: [header("x-wc-webhook-delivery-id")], withBody: true },
    topic: header("x-wc-webhook-topic"),
    account: header("x-wc-webhook-source"),
    ping: isPing,
  },

  activities: {
    "customer.created": { ...CUSTOMERS, dataCategories: [...PROFILE, "account"] },
    "customer.updated": { ...CUSTOMERS, dataCategories: [...PROFILE, "account"] },
    "customer.deleted": { ...CUSTOMERS, dataCategories: ["customer_id", "account"] },
    "order.created": { ...ORDERS, dataCategories: [...PROFILE, "purchase_history", "payment"] },
    "order.updated": { ...ORDERS, dataCategories: [...PROFILE, "purchase_history", "payment"] },
    "order.deleted": { ...ORDERS, dataCategories: ["purchase_history"] },
    "order.restored": { ...ORDERS, dataCategories: [...PROFILE, "purchase_history", "payment"] },
  },

  events: {
    "customer.created": on(customer, (c) => [account(c), activity("customer.created")]),
    "customer.updated": on(customer, (c) => [account(c), activity("customer.updated")]),
    "customer.deleted": on(deleted, (c) => [subject({ platformId: c.id }), activity("customer.deleted")]),
    "order.created": on(order, (o) => [buyer(o), activity("order.created")]),
    "order.updated": on(order, (o) => [buyer(o), activity("order.updated")]),
    "order.deleted": on(deleted, (o) => [subject({ objects: [`order:${o.id}`] }), activity("order.deleted")]),
    "order.restored": on(order, (o) => [buyer(o), activity("order.restored")]),
  },
});

/** Sent unsigned when a webhook is saved; anything but exactly 200 and it stays off. */
function isPing(request: WebhookRequest): boolean {
  return /^webhook_id=\d{1,20}$/.test(Buffer.from(request.body).toString("latin1"));
}
