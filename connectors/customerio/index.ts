import {
  activity,
  type ConsentTarget,
  consent,
  defineConnector,
  field,
  joined,
  on,
  platformSchemes,
  subject,
} from "#kit";
import { credentials } from "./api.ts";
import { CHANNELS, consentSection, TOPIC } from "./consent.ts";
import { customer, type Message, message, type Person, preferencesChanged } from "./payloads.ts";
import type { Preferences } from "./people.ts";
import { rightsSection } from "./rights.ts";

type Channel = "email" | "sms" | "push" | "in_app";

const known = ({ customer_id: customerId, identifiers, email_address: email }: Person) =>
  subject({
    platformIds: [identifiers?.id ?? customerId, identifiers?.cio_id],
    email: identifiers?.email || email,
  });

/** A message can be addressed to somebody else than the person: `recipient` counts only where nobody is named. */
function addressee(channel: Channel, data: Message) {
  const { identifiers, customer_id: customerId, recipient } = data;
  const named = [customerId, identifiers?.id, identifiers?.cio_id, identifiers?.email].some(Boolean);
  if (named) return known(data);
  return subject({
    email: channel === "email" ? recipient : null,
    phone: channel === "sms" ? recipient : null,
  });
}

const about = (channel: Channel, name: "message.opened" | "message.clicked" | "message.bounced") =>
  on(message, ({ data }) => [addressee(channel, data), activity(name)]);
const sent = (channel: Channel) =>
  on(message, ({ data }) => [
    addressee(channel, data),
    activity(data.transactional_message_id ? "message.sent_transactional" : "message.sent"),
  ]);

/** What a global unsubscribe covers, of what we know as purposes (https://docs.customer.io/journeys/unsubscribes). */
const EVERYWHERE = ["email_marketing", "sms_marketing", "whatsapp_marketing"] as const;

/**
 * Channels are purposes of ours; topics (`topic_7`) are lists of the company's own. A change of one may repeat the others,
 * and an API or an import can set them all: so a grant is only what the platform reports.
 */
const choices = ({ channels, topics }: Preferences) => [
  ...CHANNELS.flatMap(({ channel, purpose }) => choice({ purpose }, channels?.[channel])),
  ...Object.entries(topics ?? {}).flatMap(([list, joined]) =>
    TOPIC.test(list) ? choice({ list }, joined) : [],
  ),
];

const choice = (about: ConsentTarget, preference: unknown) => {
  const method = "preference_center";
  if (preference === true) return [consent({ ...about, state: "granted", nature: "snapshot", method })];
  if (preference === false) return [consent({ ...about, state: "withdrawn", method })];
  return [];
};

const chosen = on(preferencesChanged, ({ data }) => [
  known(data),
  activity("preferences.changed"),
  ...choices(data.content),
]);

const MARKETING = { purpose: "direct_marketing", lawfulBasis: "consent" } as const;
const ADDRESSES = ["customer_id", "email_address", "telephone_number"] as const;

export default defineConnector({
  id: "customerio",
  name: "Customer.io",
  documentation: "https://docs.customer.io/integrations/api/webhooks",
  credentials,
  consent: consentSection,
  rights: rightsSection,

  webhook: {
    signature: platformSchemes.customerio,
    body: "json",
    id: { parts: [field("event_id")] },
    topic: joined("/", field("object_type"), field("metric")),
    occurredAt: field("timestamp"),
  },

  activities: {
    "preferences.changed": { ...MARKETING, dataCategories: ["customer_id", "email_address", "preferences"] },
    "message.sent": { ...MARKETING, dataCategories: [...ADDRESSES, "communication", "device"] },
    "message.sent_transactional": {
      purpose: "customer_management",
      lawfulBasis: "contract",
      dataCategories: [...ADDRESSES, "communication", "device"],
    },
    "message.opened": {
      purpose: "analytics",
      lawfulBasis: "consent",
      dataCategories: [...ADDRESSES, "usage"],
    },
    "message.clicked": {
      purpose: "analytics",
      lawfulBasis: "consent",
      dataCategories: [...ADDRESSES, "usage"],
    },
    "message.bounced": { ...MARKETING, dataCategories: [...ADDRESSES, "communication", "device"] },
    "message.reported": { ...MARKETING, dataCategories: ["customer_id", "email_address", "communication"] },
  },

  events: {
    // `unsubscribed: false` is set by forms and imports too: what the platform reports, not a choice that we saw.
    "customer/subscribed": on(customer, ({ data }) => [
      known(data),
      activity("preferences.changed"),
      consent({ purpose: "email_marketing", state: "granted", nature: "snapshot", method: "unknown" }),
    ]),
    "customer/unsubscribed": on(customer, ({ data }) => [
      known(data),
      activity("preferences.changed"),
      ...EVERYWHERE.map((purpose) => consent({ purpose, state: "withdrawn", method: "unsubscribe" })),
    ]),
    "customer/cio_subscription_preferences_changed": chosen,
    // By a link in a message, if that is told by the message's channel.
    "email/cio_subscription_preferences_changed": chosen,
    "sms/cio_subscription_preferences_changed": chosen,
    "whatsapp/cio_subscription_preferences_changed": chosen,
    "email/sent": sent("email"),
    "email/opened": about("email", "message.opened"),
    "email/clicked": about("email", "message.clicked"),
    // The address or the mailbox failed, which says nothing of what the person wants.
    "email/bounced": about("email", "message.bounced"),
    "email/spammed": on(message, ({ data }) => [
      addressee("email", data),
      activity("message.reported"),
      consent({ purpose: "email_marketing", state: "withdrawn", method: "spam_complaint" }),
    ]),
    "email/unsubscribed": on(message, ({ data }) => [
      addressee("email", data),
      activity("preferences.changed"),
      consent({ purpose: "email_marketing", state: "withdrawn", method: "unsubscribe" }),
    ]),
    "sms/sent": sent("sms"),
    "sms/clicked": about("sms", "message.clicked"),
    "sms/bounced": about("sms", "message.bounced"),
    "push/sent": sent("push"),
    "push/opened": about("push", "message.opened"),
    "push/clicked": about("push", "message.clicked"),
    "push/bounced": about("push", "message.bounced"),
    "in_app/sent": sent("in_app"),
    "in_app/opened": about("in_app", "message.opened"),
    "in_app/clicked": about("in_app", "message.clicked"),
  },
});
