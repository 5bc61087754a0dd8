import { z } from "zod";

/** What a controller is for, for life: keys and data of the two never mix. */
export const Environment = z.enum(["live", "sandbox"]);
export type Environment = z.infer<typeof Environment>;

export const IdentifierKind = z.enum(["email", "email_folded", "phone", "platform_id"]);
export type IdentifierKind = z.infer<typeof IdentifierKind>;

/** Purposes that every controller has, and connectors speak of. */
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

/** What a person can be asked to consent to: one of those, or one that a controller added (`lethe consents purposes add`). */
export const Purpose = z
  .string()
  .regex(/^[a-z][a-z0-9_]{1,48}[a-z0-9]$/, "must be lower-case letters, digits and _, such as product_news");
export type Purpose = z.infer<typeof Purpose>;

export const ConsentState = z.enum(["granted", "withdrawn", "denied", "pending", "not_asked"]);
export type ConsentState = z.infer<typeof ConsentState>;

/** `expressed`: the person chose. `snapshot`: a platform reports a state in passing. */
export const ConsentNature = z.enum(["expressed", "snapshot"]);
export type ConsentNature = z.infer<typeof ConsentNature>;

/** `echo`: the platform reports what we changed there ourselves, which is nobody's choice. */
export const RecordNature = z.enum([...ConsentNature.options, "echo"]);
export type RecordNature = z.infer<typeof RecordNature>;

/** Why processing was stopped. A list, because what somebody writes at such a moment may name people. */
export const StopReason = z.enum(["incident", "investigation", "maintenance", "legal_order", "other"]);
export type StopReason = z.infer<typeof StopReason>;

/** Who brought a choice to the ledger. */
export const ConsentSource = z.enum(["platform", "operator", "browser"]);
export type ConsentSource = z.infer<typeof ConsentSource>;

/** How it ended to bring a platform in step: `open` until it has, `void` if there was nothing to bring any more. */
export const PushStatus = z.enum([
  "open",
  "done",
  "done_verified",
  "unsupported",
  "manual",
  "failed",
  "void",
]);
export type PushStatus = z.infer<typeof PushStatus>;

/** Why it is `unsupported` or `manual`. */
export const PushReason = z.enum([
  "no_consent_api",
  "purpose_not_held",
  "no_credentials",
  "not_found",
  "no_address",
  "confirmation_needed",
  "opt_out_there",
  "bounced",
  "complained",
  "suppressed",
]);
export type PushReason = z.infer<typeof PushReason>;

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
  "in_writing",
  "by_phone",
  "in_person",
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

/** Where a choice was made, as far as it is known: ISO 3166-1 alpha-2, with a part of it where the law differs (ISO 3166-2), or `EU`. */
export const Jurisdiction = z
  .string()
  .regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, "must be such as DE, US-CA or EU");
export type Jurisdiction = z.infer<typeof Jurisdiction>;

/**
 * Points to the proof that is kept elsewhere: a ticket, a form's version, a hash. Short and without blanks, so that nobody
 * is described in it; what looks like an address or a phone number is refused.
 */
export const EvidenceReference = z
  .string()
  .regex(/^[\w.:/#=-]{1,120}$/, "must be a reference such as TICKET-4711 or form:newsletter-3")
  .refine((text) => !/\d[\d/.-]{5,}\d/.test(text), "must not hold what could be a phone number");
export type EvidenceReference = z.infer<typeof EvidenceReference>;

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

/** The law that a request is answered by; `platform` for what a platform demands of its apps. */
export const RightsRegime = z.enum(["gdpr", "uk_gdpr", "ccpa", "dpdp", "platform"]);
export type RightsRegime = z.infer<typeof RightsRegime>;

/** Where a request stands. The last five are ends. */
export const RightsStatus = z.enum([
  "received",
  "verifying",
  "verified",
  "approved",
  "fulfilling",
  "fulfilled",
  "partly_fulfilled",
  "denied",
  "expired",
  "cancelled",
]);
export type RightsStatus = z.infer<typeof RightsStatus>;

/** How a request came. */
export const RightsSource = z.enum(["operator", "api", "platform"]);
export type RightsSource = z.infer<typeof RightsSource>;

/** How it was made sure that the person is who they say. */
export const RightsVerification = z.enum([
  "email",
  "platform",
  "in_person",
  "document",
  "account",
  "not_required",
]);
export type RightsVerification = z.infer<typeof RightsVerification>;

/** Why a request is denied (Data Rights Protocol, https://github.com/consumer-reports-innovation-lab/data-rights-protocol). */
export const DenialReason = z.enum([
  "suspected_fraud",
  "insuf_verification",
  "no_match",
  "claim_not_covered",
  "outside_jurisdiction",
  "too_many_requests",
  "other",
]);
export type DenialReason = z.infer<typeof DenialReason>;

/** Why more time is needed: GDPR Art. 12(3) knows the complexity and the number of the requests. */
export const ExtensionReason = z.enum(["complexity", "number_of_requests"]);
export type ExtensionReason = z.infer<typeof ExtensionReason>;

/**
 * What became of a request at one platform. `open` until it is tried, `asked` while the platform carries it out; `manual`
 * and `failed` wait for somebody, the others are ends. `not_found`: nobody there by anything that is known of the person.
 */
export const RightsTaskStatus = z.enum([
  "open",
  "asked",
  "done",
  "done_verified",
  "not_found",
  "retained",
  "unsupported",
  "manual",
  "failed",
]);
export type RightsTaskStatus = z.infer<typeof RightsTaskStatus>;

/** Why it is so. */
export const RightsTaskReason = z.enum([
  "no_api",
  "no_credentials",
  "not_connected",
  "nothing_to_find_by",
  "known_by_something_else",
  "marketing_only",
  "already_so",
  "put_off",
  "fields_unsupported",
  "not_confirmed",
  "refused_there",
  "purpose_not_held",
  "left_to_somebody",
  "legal_hold",
  "by_hand",
  "given_up",
]);
export type RightsTaskReason = z.infer<typeof RightsTaskReason>;

/** Why something must be kept although its erasure is asked for (GDPR Art. 17(3)). */
export const HoldGround = z.enum([
  "legal_claims",
  "legal_obligation",
  "public_health",
  "archiving",
  "freedom_of_expression",
]);
export type HoldGround = z.infer<typeof HoldGround>;

/** What the person, or the privacy team, is told by e-mail. */
export const RightsNotice = z.enum(["verify", "extended", "denied", "closed", "reminder", "overdue"]);
export type RightsNotice = z.infer<typeof RightsNotice>;

/** `received` waits, `processed` is done and shredded, `ignored` is a topic that the connector does not declare. */
export const DeliveryStatus = z.enum(["received", "processed", "ignored", "failed", "expired"]);
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;

/** `erased`: what is left of somebody whom nothing can be linked to any more. */
export const SubjectStatus = z.enum(["active", "merged", "erased"]);
export type SubjectStatus = z.infer<typeof SubjectStatus>;
