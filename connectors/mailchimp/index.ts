import { z } from "zod";
import {
  activity,
  consent,
  defineConnector,
  type Extractor,
  field,
  firstOf,
  on,
  optionalText,
  subject,
  urlSecret,
} from "#kit";
import { credentials } from "./api.ts";
import { consentSection } from "./consent.ts";
import { rightsSection } from "./rights.ts";

/** https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/ : a form with bracketed keys. */
const about = <Shape extends z.ZodRawShape>(shape: Shape) => z.object({ data: z.object(shape) });

const merges = z.object({ EMAIL: optionalText, PHONE: optionalText }).nullish();
const member = about({ id: z.string().min(1), email: z.string().min(1), merges, reason: optionalText });
const changedEmail = about({
  new_id: z.string().min(1),
  new_email: z.string().min(1),
  old_email: z.string().min(1),
});
const cleaned = about({ email: z.string().min(1), reason: optionalText });
const campaign = about({ id: z.string() });

type Member = z.output<typeof member>;

const known = ({ data }: Member) =>
  subject({ platformId: data.id, email: data.email, phone: data.merges?.PHONE });

export default defineConnector({
  id: "mailchimp",
  name: "Mailchimp",
  documentation: "https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/",
  credentials,
  consent: consentSection,
  rights: rightsSection,

  webhook: {
    signature: urlSecret(),
    body: "form",
    // No delivery id: these together tell events apart. An unsubscribe and a deletion may share all but `action`.
    id: {
      parts: [
        field("type"),
        field("fired_at"),
        field("data.list_id"),
        whom(),
        firstOf(field("data.action"), () => "-"),
      ],
    },
    topic: field("type"),
    account: field("data.list_id"),
    occurredAt: field("fired_at"),
    handshake: { method: "GET", signed: true },
  },

  activities: {
    "member.subscribed": {
      purpose: "direct_marketing",
      lawfulBasis: "consent",
      dataCategories: ["name", "email_address", "telephone_number", "preferences", "ip_address"],
    },
    "member.unsubscribed": {
      purpose: "direct_marketing",
      lawfulBasis: "consent",
      dataCategories: ["email_address", "preferences"],
    },
    "member.updated": {
      purpose: "direct_marketing",
      lawfulBasis: "consent",
      dataCategories: ["name", "email_address", "telephone_number", "preferences"],
    },
    "member.email_changed": {
      purpose: "direct_marketing",
      lawfulBasis: "consent",
      dataCategories: ["email_address"],
    },
    "member.cleaned": {
      purpose: "direct_marketing",
      lawfulBasis: "consent",
      dataCategories: ["email_address", "communication"],
    },
  },

  events: {
    subscribe: on(member, (m) => [
      known(m),
      activity("member.subscribed"),
      consent({ purpose: "email_marketing", state: "granted", method: "signup_form" }),
    ]),
    unsubscribe: on(member, (m) => [
      known(m),
      activity("member.unsubscribed"),
      consent({
        purpose: "email_marketing",
        state: "withdrawn",
        method: m.data.reason === "abuse" ? "spam_complaint" : "unsubscribe",
      }),
    ]),
    profile: on(member, (m) => [known(m), activity("member.updated")]),
    upemail: on(changedEmail, ({ data }) => [
      subject({ platformId: data.new_id, emails: [data.new_email, data.old_email] }),
      activity("member.email_changed"),
    ]),
    // `hard`: the address bounced, which says nothing of what the person wants. `abuse`: a spam complaint does.
    cleaned: on(cleaned, ({ data }) => [
      subject({ email: data.email }),
      activity("member.cleaned"),
      ...(data.reason === "abuse"
        ? [consent({ purpose: "email_marketing", state: "withdrawn", method: "spam_complaint" })]
        : []),
    ]),
    // About a mailing, not about a person.
    campaign: on(campaign, () => []),
  },
});

function whom(): Extractor {
  return firstOf(field("data.id"), field("data.new_id"), field("data.email"));
}
