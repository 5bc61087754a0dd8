import { z } from "zod";
import {
  activity,
  consent,
  defineConnector,
  type Envelope,
  field,
  on,
  optionalText,
  platformId,
  platformSchemes,
  subject,
} from "#kit";
import { rightsSection } from "./rights.ts";

/** The dashboard's test fixtures all carry this id: on its own it would drop real test traffic. */
const SHARED_TEST_ID = "evt_00000000000000";

/** A Stripe event wraps its object (https://docs.stripe.com/api/events/object). */
const about = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.object({ data: z.object({ object: z.object(shape) }) });

const address = z.object({ country: optionalText }).nullish();

/** References are ids, or whole objects where the endpoint expands them. */
const reference = z
  .union([z.string(), z.object({ id: platformId })])
  .nullish()
  .transform((value) => (typeof value === "object" ? value?.id : value));

const customer = about({ id: platformId, email: optionalText, phone: optionalText, address });
const subscription = about({ id: platformId, customer: reference });
const invoice = about({
  customer: reference,
  customer_email: optionalText,
  customer_phone: optionalText,
  customer_address: address,
});
const session = about({
  customer: reference,
  customer_email: optionalText,
  customer_details: z.object({ email: optionalText, phone: optionalText, address }).nullish(),
  consent: z.object({ promotions: optionalText }).nullish(),
});

const subscriptionEvent = (name: `subscription.${string}`) =>
  on(subscription, ({ data: { object } }) => [subject({ platformId: object.customer }), activity(name)]);

const holder = ({ data: { object } }: z.output<typeof customer>) =>
  subject({
    platformId: object.id,
    email: object.email,
    phone: object.phone,
    region: object.address?.country,
  });

const CUSTOMERS = { purpose: "customer_management", lawfulBasis: "contract" } as const;
const SUBSCRIPTIONS = { purpose: "subscription_management", lawfulBasis: "contract" } as const;
const PAYMENTS = { purpose: "payment", lawfulBasis: "contract" } as const;
const PROFILE = ["name", "email_address", "telephone_number", "postal_address", "customer_id"] as const;

export default defineConnector({
  id: "stripe",
  name: "Stripe",
  documentation: "https://docs.stripe.com/webhooks",
  credentials: z.object({
    apiKey: z.string().regex(/^(sk|rk)_/, "a secret or restricted key (sk_… or rk_…)"),
    redaction: z.boolean().optional(),
  }),
  rights: rightsSection,

  webhook: {
    signature: platformSchemes.stripe,
    body: "json",
    id: { parts: [field("id")], withBody: ([id]) => id === SHARED_TEST_ID },
    topic: field("type"),
    account: field("account"),
    occurredAt: field("created"),
    environment: mode,
  },

  activities: {
    "customer.created": { ...CUSTOMERS, dataCategories: PROFILE },
    "customer.updated": { ...CUSTOMERS, dataCategories: PROFILE },
    "customer.deleted": { ...CUSTOMERS, dataCategories: ["customer_id"] },
    "subscription.created": { ...SUBSCRIPTIONS, dataCategories: ["customer_id", "subscription"] },
    "subscription.updated": { ...SUBSCRIPTIONS, dataCategories: ["customer_id", "subscription"] },
    "subscription.deleted": { ...SUBSCRIPTIONS, dataCategories: ["customer_id", "subscription"] },
    "checkout.completed": { ...PAYMENTS, dataCategories: [...PROFILE, "purchase_history", "payment"] },
    "invoice.paid": {
      ...PAYMENTS,
      dataCategories: [
        "name",
        "email_address",
        "postal_address",
        "customer_id",
        "purchase_history",
        "payment",
      ],
    },
  },

  events: {
    "customer.created": on(customer, (e) => [holder(e), activity("customer.created")]),
    "customer.updated": on(customer, (e) => [holder(e), activity("customer.updated")]),
    "customer.deleted": on(customer, (e) => [holder(e), activity("customer.deleted")]),
    "customer.subscription.created": subscriptionEvent("subscription.created"),
    "customer.subscription.updated": subscriptionEvent("subscription.updated"),
    "customer.subscription.paused": subscriptionEvent("subscription.updated"),
    "customer.subscription.resumed": subscriptionEvent("subscription.updated"),
    "customer.subscription.pending_update_applied": subscriptionEvent("subscription.updated"),
    "customer.subscription.pending_update_expired": subscriptionEvent("subscription.updated"),
    "customer.subscription.trial_will_end": subscriptionEvent("subscription.updated"),
    "customer.subscription.deleted": subscriptionEvent("subscription.deleted"),
    "checkout.session.completed": on(session, ({ data: { object } }) => [
      subject({
        platformId: object.customer,
        email: object.customer_details?.email ?? object.customer_email,
        phone: object.customer_details?.phone,
        region: object.customer_details?.address?.country,
      }),
      activity("checkout.completed"),
      ...promotions(object.consent?.promotions),
    ]),
    "invoice.paid": on(invoice, ({ data: { object } }) => [
      subject({
        platformId: object.customer,
        email: object.customer_email,
        phone: object.customer_phone,
        region: object.customer_address?.country,
      }),
      activity("invoice.paid"),
    ]),
  },
});

/** A box that the person ticked, or left unticked, at checkout (https://docs.stripe.com/payments/checkout/promotional-emails-consent). */
function promotions(choice: string | null | undefined) {
  if (choice !== "opt_in" && choice !== "opt_out") return [];
  const state = choice === "opt_in" ? "granted" : "denied";
  return [consent({ purpose: "email_marketing", state, method: "checkout" })];
}

function mode(envelope: Envelope): "live" | "sandbox" | undefined {
  const livemode = field("livemode")(envelope);
  return livemode === undefined ? undefined : livemode === "true" ? "live" : "sandbox";
}
