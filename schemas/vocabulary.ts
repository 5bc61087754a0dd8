import { z } from "zod";

/** What a controller is for, for life: keys and data of the two never mix. */
export const Environment = z.enum(["live", "sandbox"]);
export type Environment = z.infer<typeof Environment>;

export const IdentifierKind = z.enum(["email", "email_folded", "phone", "platform_id"]);
export type IdentifierKind = z.infer<typeof IdentifierKind>;

/** Purposes that a person can be asked to consent to. */
export const ConsentPurpose = z.enum([
  "email_marketing",
  "sms_marketing",
  "whatsapp_marketing",
  "phone_marketing",
  "postal_marketing",
  "analytics",
  "profiling",
  "sale_or_sharing",
]);
export type ConsentPurpose = z.infer<typeof ConsentPurpose>;

export const ConsentState = z.enum(["granted", "withdrawn", "denied", "pending", "not_asked"]);
export type ConsentState = z.infer<typeof ConsentState>;

/** `expressed`: the person chose. `snapshot`: a platform reports a state in passing. */
export const ConsentNature = z.enum(["expressed", "snapshot"]);
export type ConsentNature = z.infer<typeof ConsentNature>;

/** How a choice was collected. */
export const ConsentMethod = z.enum([
  "single_opt_in",
  "confirmed_opt_in",
  "signup_form",
  "checkout",
  "unsubscribe",
  "preference_center",
  "text_message",
  "spam_complaint",
  "global_privacy_control",
  "tcf_string",
  "gpp_string",
  "unknown",
]);
export type ConsentMethod = z.infer<typeof ConsentMethod>;

/** GDPR Art. 6(1)(a) to (f). */
export const LawfulBasis = z.enum([
  "consent",
  "contract",
  "legal_obligation",
  "vital_interests",
  "public_task",
  "legitimate_interests",
]);
export type LawfulBasis = z.infer<typeof LawfulBasis>;

/** Why a processing activity happens (GDPR Art. 30(1)(b)). */
export const ActivityPurpose = z.enum([
  "customer_management",
  "order_fulfilment",
  "payment",
  "subscription_management",
  "direct_marketing",
  "customer_support",
  "event_management",
  "research",
  "accounting",
  "analytics",
  "security",
  "legal_compliance",
]);
export type ActivityPurpose = z.infer<typeof ActivityPurpose>;

/** Categories of personal data (GDPR Art. 30(1)(c)), named after the W3C DPV's personal data extension. */
export const DataCategory = z.enum([
  "name",
  "email_address",
  "telephone_number",
  "postal_address",
  "customer_id",
  "account",
  "purchase_history",
  "payment",
  "subscription",
  "preferences",
  "communication",
  "attendance",
  "opinion",
  "usage",
  "location",
  "language",
  "date_of_birth",
  "gender",
  "occupation",
  "financial",
  "ip_address",
  "device",
]);
export type DataCategory = z.infer<typeof DataCategory>;

export const RightsKind = z.enum([
  "access",
  "portability",
  "rectification",
  "erasure",
  "restriction",
  "objection",
  "opt_out_of_sale",
]);
export type RightsKind = z.infer<typeof RightsKind>;

/** `received` waits, `processed` is done and shredded, `ignored` is a topic that the connector does not declare. */
export const DeliveryStatus = z.enum(["received", "processed", "ignored", "failed", "expired"]);
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;

export const SubjectStatus = z.enum(["active", "merged"]);
export type SubjectStatus = z.infer<typeof SubjectStatus>;
