import {
  activity,
  bodyField,
  type ConsentRecord,
  consent,
  defineConnector,
  each,
  field,
  firstOf,
  header,
  on,
  platformSchemes,
  subject,
} from "#kit";
import { credentials } from "./api.ts";
import { consentSection } from "./consent.ts";
import { type Event, event } from "./payloads.ts";
import { rightsSection } from "./rights.ts";

function known({ payload: { data, included } }: Event) {
  const { id } = data.relationships.profile.data;
  const profile = included?.find((object) => object.type === "profile" && object.id === id)?.attributes;
  return subject({ platformId: id, email: profile?.email, phone: profile?.phone_number });
}

type Activity =
  | "preferences.changed"
  | "suppression.changed"
  | "message.sent"
  | "message.received"
  | "message.opened"
  | "message.clicked"
  | "message.bounced"
  | "message.reported"
  | "review.submitted";

const recorded = (name: Activity, ...choices: ConsentRecord[]) =>
  on(event, (e) => [known(e), activity(name), ...choices]);

const email = "email_marketing" as const;
const sms = "sms_marketing" as const;
const MARKETING = { purpose: "direct_marketing", lawfulBasis: "consent" } as const;
const PROFILE = ["name", "email_address", "telephone_number", "customer_id"] as const;

export default defineConnector({
  id: "klaviyo",
  name: "Klaviyo",
  documentation: "https://developers.klaviyo.com/en/docs/working_with_system_webhooks",
  credentials,
  consent: consentSection,
  rights: rightsSection,

  webhook: {
    signature: platformSchemes.klaviyo,
    requires: ["klaviyo-webhook-id"],
    // The header is not signed; the body that it must agree with is.
    agree: [header("klaviyo-webhook-id"), bodyField("meta.klaviyo_webhook_id")],
    body: "json",
    events: each("data"),
    id: { parts: [field("external_id")] },
    topic: field("topic"),
    account: bodyField("meta.klaviyo_account_id"),
    occurredAt: firstOf(field("payload.data.attributes.datetime"), bodyField("meta.timestamp")),
  },

  activities: {
    "preferences.changed": { ...MARKETING, dataCategories: [...PROFILE, "preferences"] },
    "suppression.changed": { ...MARKETING, dataCategories: [...PROFILE, "preferences"] },
    "message.sent": { ...MARKETING, dataCategories: [...PROFILE, "communication", "device"] },
    "message.received": { ...MARKETING, dataCategories: [...PROFILE, "communication"] },
    "message.opened": { purpose: "analytics", lawfulBasis: "consent", dataCategories: [...PROFILE, "usage"] },
    "message.clicked": {
      purpose: "analytics",
      lawfulBasis: "consent",
      dataCategories: [...PROFILE, "usage"],
    },
    "message.bounced": { ...MARKETING, dataCategories: [...PROFILE, "communication", "device"] },
    "message.reported": { ...MARKETING, dataCategories: [...PROFILE, "communication"] },
    "review.submitted": {
      purpose: "customer_management",
      lawfulBasis: "legitimate_interests",
      dataCategories: [...PROFILE, "opinion", "purchase_history"],
    },
  },

  // Klaviyo's metrics are told from the person's side: who *received* an SMS was sent one, who *sent* one wrote to the
  // company (https://help.klaviyo.com/hc/en-us/articles/360035345572-SMS-Metrics).
  events: {
    "event:klaviyo.subscribed_to_email_marketing": recorded(
      "preferences.changed",
      consent({ purpose: email, state: "granted", method: "unknown" }),
    ),
    "event:klaviyo.unsubscribed_from_email_marketing": recorded(
      "preferences.changed",
      consent({ purpose: email, state: "withdrawn", method: "unsubscribe" }),
    ),
    "event:klaviyo.subscribed_to_sms_marketing": recorded(
      "preferences.changed",
      consent({ purpose: sms, state: "granted", method: "unknown" }),
    ),
    "event:klaviyo.unsubscribed_from_sms_marketing": recorded(
      "preferences.changed",
      consent({ purpose: sms, state: "withdrawn", method: "text_message" }),
    ),
    // Which preferences it does not say in a form that is documented.
    "event:klaviyo.updated_email_preferences": recorded("preferences.changed"),
    // The company's own doing, to keep a list short or clean: nobody expressed anything.
    "event:klaviyo.manually_suppressed_from_email_marketing": recorded("suppression.changed"),
    "event:klaviyo.manually_unsuppressed_from_email_marketing": recorded("suppression.changed"),
    "event:klaviyo.marked_email_as_spam": recorded(
      "message.reported",
      consent({ purpose: email, state: "withdrawn", method: "spam_complaint" }),
    ),
    "event:klaviyo.received_email": recorded("message.sent"),
    "event:klaviyo.opened_email": recorded("message.opened"),
    "event:klaviyo.clicked_email": recorded("message.clicked"),
    "event:klaviyo.bounced_email": recorded("message.bounced"),
    "event:klaviyo.received_sms": recorded("message.sent"),
    "event:klaviyo.received_automated_response_sms": recorded("message.sent"),
    "event:klaviyo.sent_sms": recorded("message.received"),
    "event:klaviyo.clicked_sms": recorded("message.clicked"),
    "event:klaviyo.failed_to_deliver_sms": recorded("message.bounced"),
    "event:klaviyo.failed_to_deliver_automated_response_sms": recorded("message.bounced"),
    "event:klaviyo.received_push": recorded("message.sent"),
    "event:klaviyo.opened_push": recorded("message.opened"),
    "event:klaviyo.bounced_push": recorded("message.bounced"),
    "event:klaviyo.submitted_rating": recorded("review.submitted"),
    "event:klaviyo.submitted_review": recorded("review.submitted"),
  },
});
