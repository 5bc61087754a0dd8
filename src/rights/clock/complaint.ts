import type { RightsRegime } from "#schemas";

const RIGHT_TO_COMPLAIN = {
  // Art. 12(4), 77 and 79 (https://eur-lex.europa.eu/eli/reg/2016/679/oj#art_12)
  gdpr: "You have the right to lodge a complaint with a data protection authority, such as the one of the country where you live (https://www.edpb.europa.eu/about-edpb/about-edpb/members_en), and to go to court (GDPR Art. 12(4), 77 and 79).",
  // Art. 12(4); Data Protection Act 2018 s. 164A and 165 (https://www.legislation.gov.uk/ukpga/2025/18/section/103)
  uk_gdpr:
    "You have the right to complain to us, to complain to the Information Commissioner's Office (https://ico.org.uk/make-a-complaint/), and to go to court (UK GDPR Art. 12(4), Data Protection Act 2018 s. 164A, 165 and 167).",
  // Cal. Civ. Code §1798.199.45 (https://cppa.ca.gov/webapplications/complaint)
  ccpa: "You can complain to the California Privacy Protection Agency (https://cppa.ca.gov/webapplications/complaint) or to the Attorney General of California (https://oag.ca.gov/report).",
  // Digital Personal Data Protection Act 2023 s. 13 and 27
  dpdp: "You have the right to have us redress your grievance and, if we do not, to complain to the Data Protection Board of India (Digital Personal Data Protection Act 2023 s. 13 and 27).",
  platform: "You have the right to complain to the data protection authority of the place where you live.",
} as const satisfies Record<RightsRegime, string>;

/** What a refusal must say: where the person can complain of it. One sentence, for an e-mail. */
export function rightToComplain(regime: RightsRegime): string {
  return RIGHT_TO_COMPLAIN[regime];
}
