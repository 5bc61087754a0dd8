import type { ActivityPurpose, ConsentState, IdentifierKind, LawfulBasis, RightsKind } from "#schemas";

// What people who exercise a right are told, in words that need no law degree. English for now.

/** What is asked for, after "a request for" or "asked for". */
export const REQUESTED: Readonly<Record<RightsKind, string>> = {
  access: "a copy of your personal data",
  portability: "a copy of your personal data to take elsewhere",
  rectification: "the correction of your personal data",
  erasure: "the erasure of your personal data",
  restriction: "a restriction of what is done with your personal data",
  objection: "an end to what is done with your personal data (an objection)",
  opt_out_of_sale: "an end to the sale and sharing of your personal data (an opt-out)",
};

/** What became of a request at one platform. */
export type Outcome =
  | "done"
  | "done_verified"
  | "not_found"
  | "retained"
  | "unsupported"
  | "manual"
  | "failed";

export interface PlatformOutcome {
  /** The platform's name, such as `Shopify`. */
  readonly name: string;
  readonly outcome: Outcome;
  /** Somebody did it there by hand, and confirmed it. */
  readonly byHand?: boolean;
  /** Nothing had to be done: it was so already, by what the platform had told. */
  readonly alreadySo?: boolean;
  /** It is the platform that puts it off, and will carry it out. */
  readonly putOff?: boolean;
  /** Of what is retained: why, and until which day (ISO 8601), where that is known. */
  readonly retained?: { readonly basis: LawfulBasis; readonly until?: string };
}

/** What was done where it was: "Your data there were …". */
export const DONE: Readonly<Record<RightsKind, string>> = {
  access: "collected for you",
  portability: "collected for you",
  rectification: "corrected",
  erasure: "erased",
  restriction: "restricted",
  objection: "no longer used for what you objected to",
  opt_out_of_sale: "taken out of any sale and sharing",
};

/** `day` writes a date out. */
export function outcomeInWords(
  kind: RightsKind,
  { outcome, byHand, alreadySo, putOff, retained }: PlatformOutcome,
  day: (at: string) => string,
): string {
  const done = DONE[kind];
  if (alreadySo === true) return "Nothing had to be changed there: it was so already.";
  if (outcome === "retained" && putOff === true) {
    const by = retained?.until === undefined ? "later" : `by ${day(retained.until)}`;
    return `The platform took our request and carries it out ${by}, by its own rules. Until then it has your data.`;
  }
  if (outcome === "retained") {
    const until = retained?.until === undefined ? "" : ` until ${day(retained.until)}`;
    const basis = retained === undefined ? "" : `. They are kept because of ${BASES[retained.basis]}`;
    return `Some records have to be kept${until}${basis}. All else was ${done}.`;
  }
  if (byHand === true && (outcome === "done" || outcome === "done_verified"))
    return `Your data there were ${done}, by our privacy team and by hand.`;
  // What was collected is there to be seen; of everything else a platform can only say that it will.
  if (outcome === "done" && (kind === "access" || kind === "portability"))
    return `Your data there were ${done}.`;
  return {
    done: `The platform took our request; when it is carried out, your data there are ${done}. It offers no way to look.`,
    done_verified: `Your data there were ${done}, and we looked again to be sure.`,
    not_found: "Nothing was found there by what we know of you.",
    unsupported: "This cannot be done there.",
    manual: "This has to be done there by hand, which our privacy team does.",
    failed: "This could not be done there. Our privacy team has been told.",
  }[outcome];
}

/** After "because of": GDPR Art. 6(1)(a) to (f). */
export const BASES: Readonly<Record<LawfulBasis, string>> = {
  consent: "your consent",
  contract: "a contract with you",
  legal_obligation: "a legal obligation",
  vital_interests: "vital interests",
  public_task: "a task in the public interest",
  legitimate_interests: "legitimate interests",
};

export const ARTICLES: Readonly<Record<LawfulBasis, string>> = {
  consent: "GDPR Art. 6(1)(a)",
  contract: "GDPR Art. 6(1)(b)",
  legal_obligation: "GDPR Art. 6(1)(c)",
  vital_interests: "GDPR Art. 6(1)(d)",
  public_task: "GDPR Art. 6(1)(e)",
  legitimate_interests: "GDPR Art. 6(1)(f)",
};

export const ACTIVITY_PURPOSES: Readonly<Record<ActivityPurpose, string>> = {
  customer_management: "to look after you as a customer",
  order_fulfilment: "to deliver what you ordered",
  payment: "to take payments",
  subscription_management: "to run your subscription",
  direct_marketing: "to tell you about products and offers",
  customer_support: "to answer your questions",
  event_management: "to run an event",
  research: "to learn from a survey",
  accounting: "to keep the books",
  analytics: "to see how our services are used",
  security: "to keep our services safe",
  legal_compliance: "to do what the law demands",
};

export const IDENTIFIERS: Readonly<Record<IdentifierKind, string>> = {
  email: "E-mail address",
  email_folded: "E-mail address, as it is without dots and tags",
  phone: "Telephone number",
  platform_id: "Customer number",
};

export const CONSENT_STATES: Readonly<Record<ConsentState, string>> = {
  granted: "You agreed",
  withdrawn: "You withdrew it",
  denied: "You refused it",
  pending: "You were asked, and have not confirmed",
  not_asked: "You were not asked",
};

/** Other words of our vocabulary, and of connectors: `purchase_history` → `purchase history`, `order.created` → `order created`. */
export function spelled(word: string): string {
  return word.replace(/[_.]/g, " ");
}
