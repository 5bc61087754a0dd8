import { optionalText, z } from "#kit";

/** Ids go into addresses of the API. */
export const id = z
  .union([z.string(), z.int()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,20}$/));

/** https://api.surveymonkey.com/v3/docs#api-endpoints-contacts-and-contact-lists */
export const contact = z.object({
  id,
  email: optionalText,
  first_name: optionalText,
  last_name: optionalText,
});

/** https://api.surveymonkey.com/v3/docs#api-endpoints-survey-responses */
export const response = z.object({
  id,
  email_address: optionalText,
  metadata: z
    .object({
      contact: z.object({ email: z.object({ value: optionalText }).nullish() }).nullish(),
    })
    .nullish(),
});

export const survey = z.object({ id });

/** A contact or a response, whole. */
export const detailed = z.looseObject({ id });

export const isOf = (address: string | null | undefined, email: string) =>
  address?.trim().toLowerCase() === email;

/** Addresses at SurveyMonkey: of the API, of the company's analysis, and one by which anybody can change the answers. */
const LINKS = ["href", "analyze_url", "edit_url"];

export const ownOf = (record: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !LINKS.includes(name)));
