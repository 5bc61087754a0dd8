import type { ConsentPurpose, ConsentReceipt, ConsentState, LawfulBasis } from "#schemas";

// Our words in the W3C's Data Privacy Vocabulary. Each term is in DPV 2.0 to 2.3 (https://w3id.org/dpv).

interface PurposeTerms {
  /** DPV's kind of purpose. */
  readonly kind: string;
  readonly title: string;
  readonly personalData: string;
  readonly processing?: string;
}

const MARKETING = { kind: "dpv:DirectMarketing" } as const;

export const PURPOSES: Readonly<Record<ConsentPurpose, PurposeTerms>> = {
  email_marketing: { ...MARKETING, title: "Marketing by e-mail", personalData: "pd:EmailAddress" },
  sms_marketing: { ...MARKETING, title: "Marketing by SMS", personalData: "pd:TelephoneNumber" },
  whatsapp_marketing: { ...MARKETING, title: "Marketing by WhatsApp", personalData: "pd:TelephoneNumber" },
  phone_marketing: { ...MARKETING, title: "Marketing by telephone", personalData: "pd:TelephoneNumber" },
  postal_marketing: { ...MARKETING, title: "Marketing by post", personalData: "pd:PhysicalAddress" },
  // "conducting analysis and reporting related to usage of services or products"
  analytics: { kind: "dpv:ServiceUsageAnalytics", title: "Analytics", personalData: "dpv:PersonalData" },
  // To DPV profiling is what is done, "to create a profile that describes or represents a person", and not what for.
  profiling: {
    kind: "dpv:Personalisation",
    title: "Profiling",
    personalData: "dpv:PersonalData",
    processing: "dpv:Profiling",
  },
  // "selling or sharing data or information to third parties"
  sale_or_sharing: {
    kind: "dpv:SellDataToThirdParties",
    title: "Sale or sharing of personal data",
    personalData: "dpv:PersonalData",
  },
};

/** A purpose that the controller added, of which nothing is known but what it calls it. */
export const OWN_PURPOSE = { kind: "dpv:Purpose", personalData: "dpv:PersonalData" } as const;

type EventType = ConsentReceipt["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"][number]["@type"];

export const STATES: Readonly<Record<ConsentState, EventType>> = {
  granted: "dpv:ConsentGiven",
  withdrawn: "dpv:ConsentWithdrawn",
  denied: "dpv:ConsentRefused",
  pending: "dpv:ConsentRequested",
  // "State where information about consent is not available or is unknown"
  not_asked: "dpv:ConsentUnknown",
};

/** Everywhere, and where it is the GDPR's law: the guide prefers the clause of a jurisdiction's law to the general term. */
export const LEGAL_BASES: Readonly<Record<LawfulBasis, { anywhere: string; gdpr: string }>> = {
  consent: { anywhere: "dpv:Consent", gdpr: "eu-gdpr:A6-1-a" },
  contract: { anywhere: "dpv:Contract", gdpr: "eu-gdpr:A6-1-b" },
  legal_obligation: { anywhere: "dpv:LegalObligation", gdpr: "eu-gdpr:A6-1-c" },
  vital_interests: { anywhere: "dpv:VitalInterest", gdpr: "eu-gdpr:A6-1-d" },
  public_task: { anywhere: "dpv:PublicInterest", gdpr: "eu-gdpr:A6-1-e" },
  legitimate_interests: { anywhere: "dpv:LegitimateInterest", gdpr: "eu-gdpr:A6-1-f" },
};
