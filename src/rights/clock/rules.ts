import type { RightsKind, RightsRegime } from "#schemas";

/** A length of time as the laws have it: none of them can be turned into another. */
export type Period =
  | { readonly months: number }
  | { readonly days: number }
  | { readonly businessDays: number };

export interface ClockRule {
  /** What the clock waits for: the request alone, or the latest of the request, proof of identity, and a fee. */
  readonly startsWith: "receipt" | "latest_of_request_identity_fee";
  /** Until receipt must have been confirmed; null where nobody asks for that. */
  readonly acknowledge: Period | null;
  /** Null where nobody set a time. */
  readonly answer: Period | null;
  /** In all, with an extension, from the same start; null where there is none. Notice of it is due when the answer was. */
  readonly extended: Period | null;
  /** Requests of which the clock stands still while the person is asked what they mean. */
  readonly pausedFor: readonly RightsKind[];
}

/** What a controller or a platform sets for itself, in days. */
export interface OwnPeriods {
  readonly dpdpDays: number;
  readonly platformDays: number | null;
}

/** The longest period that a business in India may publish: DPDP Rules 2025, r. 14(3). */
export const DPDP_MAXIMUM_DAYS = 90;

/**
 * Every period there is, with its source. Where a law can be read in two ways, the reading with the earlier date is taken:
 * whoever keeps to it keeps to both.
 */
export function ruleOf(regime: RightsRegime, kind: RightsKind, own: OwnPeriods): ClockRule {
  if (regime === "ccpa" && kind === "opt_out_of_sale") return CCPA_OPT_OUT;
  if (regime === "dpdp") return { ...PLAIN, answer: { days: Math.min(own.dpdpDays, DPDP_MAXIMUM_DAYS) } };
  if (regime === "platform")
    return { ...PLAIN, answer: own.platformDays === null ? null : { days: own.platformDays } };
  return RULES[regime];
}

/**
 * Whether it has to be made sure that the person is who they say. Not to opt out of sale or sharing under the CCPA: "shall not
 * require" (11 CCR §7060(b), https://www.law.cornell.edu/regulations/california/11-CCR-7060). And a platform has done so itself.
 */
export function needsVerification(regime: RightsRegime, kind: RightsKind): boolean {
  return regime !== "platform" && !(regime === "ccpa" && kind === "opt_out_of_sale");
}

/**
 * DPDP: the period that the business publishes, Rules 2025 r. 14(3) (https://www.privacyglobal.org/blog/dpdp-rule-14-rights-of-data-principals). Platforms: what they
 * say, such as 30 days from receipt (https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance). No more than that.
 */
const PLAIN: ClockRule = {
  startsWith: "receipt",
  acknowledge: null,
  answer: null,
  extended: null,
  pausedFor: [],
};

const RULES = {
  /**
   * GDPR Art. 12(3), (4) (https://eur-lex.europa.eu/eli/reg/2016/679/oj#art_12): "within one month of receipt of the request. That
   * period may be extended by two further months"; told "within one month of receipt"; and so is a refusal. The
   * EDPB would let it stand still while somebody is identified or asked what they mean (Guidelines 01/2022, section 5.3,
   * https://www.edpb.europa.eu/our-work-tools/our-documents/guidelines/guidelines-012022-data-subject-rights-right-access_en); the
   * regulation does not say so, and the earlier date is the safe one.
   */
  gdpr: { ...PLAIN, answer: { months: 1 }, extended: { months: 3 } },
  /**
   * UK GDPR Art. 12A (Data (Use and Access) Act 2025 s. 76, https://www.legislation.gov.uk/ukpga/2025/18/section/76): one month from "the
   * latest of" the request, the information that confirms identity, and the fee; two further months with notice within the first. What
   * a request "under Article 15" means can be asked for, and that time does not count: no other right's clock stops. An extension is
   * "three months from the original start date" (ICO, https://ico.org.uk/for-organisations/uk-gdpr-guidance-and-resources/individual-rights/right-of-access/).
   */
  uk_gdpr: {
    startsWith: "latest_of_request_identity_fee",
    acknowledge: null,
    answer: { months: 1 },
    extended: { months: 3 },
    pausedFor: ["access"],
  },
  /**
   * 11 CCR §7021 (https://www.law.cornell.edu/regulations/california/11-CCR-7021): receipt confirmed "no later than 10 business days
   * after", answered "no later than 45 calendar days after receipt", "regardless of time required to verify"; with notice and a reason
   * "a maximum total of 90 calendar days from the day the request is received".
   */
  ccpa: { ...PLAIN, acknowledge: { businessDays: 10 }, answer: { days: 45 }, extended: { days: 90 } },
} as const satisfies Partial<Record<RightsRegime, ClockRule>>;

/** 11 CCR §7026(f) (https://www.law.cornell.edu/regulations/california/11-CCR-7026): as soon as feasible, "no later than 15 business days". */
const CCPA_OPT_OUT: ClockRule = { ...PLAIN, answer: { businessDays: 15 } };
