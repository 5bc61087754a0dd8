import { z } from "zod";
import {
  type ErasureAnswer,
  type ErasureState,
  type KnownPerson,
  optionalText,
  Personal,
  type PersonEntry,
  type RightsSection,
} from "#kit";
import { type Credentials, type Klaviyo, openKlaviyo } from "./api.ts";
import { collect } from "./collect.ts";
import { distinct, profileById, profilesByEmail } from "./look-up.ts";
import { rectify } from "./rectify.ts";

/** What Klaviyo's API does for the person of a profile. See the README for what Klaviyo keeps. */
export const rightsSection = {
  can: ["access", "erasure", "rectification"],
  // By the profile's own id, so that a second request means the same profile and no other.
  repeatable: true,
  async open(credentials: Credentials) {
    const klaviyo = await openKlaviyo(credentials);
    return {
      find: (person) => find(klaviyo, person),
      erased: ({ id, receipt }) => erased(klaviyo(), id.reveal(), receipt),
    };
  },
} satisfies RightsSection;

/** https://developers.klaviyo.com/en/reference/get_profile : all that there is. */
const Profile = z.object({
  id: z.string().min(1),
  attributes: z.looseObject({
    email: optionalText,
    phone_number: optionalText,
    first_name: optionalText,
    last_name: optionalText,
    location: z.looseObject({}).nullish(),
  }),
});
export type Profile = z.output<typeof Profile>;

/** By every id and every e-mail address. Not by phone, which several people can share. */
async function find(klaviyo: () => Klaviyo, { platformIds, emails }: KnownPerson): Promise<PersonEntry[]> {
  const fields: ("subscriptions" | "predictive_analytics")[] = ["subscriptions", "predictive_analytics"];
  const found = await Promise.all([
    ...platformIds.map(async (id) => (await profileById(klaviyo(), Profile, id.reveal(), fields)) ?? []),
    ...emails.map((email) => profilesByEmail(klaviyo(), Profile, email.reveal(), fields)),
  ]);
  return distinct(found.flat()).map((profile) => ({
    id: new Personal(profile.id),
    collect: () => collect(klaviyo, profile),
    erase: () => erase(klaviyo(), profile.id),
    rectify: (corrections) => rectify(klaviyo(), profile, corrections),
  }));
}

/**
 * https://developers.klaviyo.com/en/reference/request_profile_deletion : by one identifier, and the id at that. An address
 * would delete every profile that has it.
 */
async function erase(klaviyo: Klaviyo, id: string): Promise<ErasureAnswer> {
  const profile = { data: { type: "profile" as const, id, attributes: {} } };
  const data = { type: "data-privacy-deletion-job" as const, attributes: { profile } };
  await klaviyo.write((_, { privacy }) => privacy.requestProfileDeletion({ data }));
  // Klaviyo gives no number; that it took it is all there is to know later on.
  return { receipt: "202" };
}

/** A job has no state that one could ask for, so the profile is looked up. */
async function erased(klaviyo: Klaviyo, id: string, receipt: string | null): Promise<ErasureState> {
  const profile = await profileById(klaviyo, Profile, id, []);
  if (profile !== undefined) return { state: receipt === null ? "there" : "pending" };
  // "As required by GDPR, a list of contact information associated with any deleted Klaviyo profiles will be kept as a
  // record" (https://developers.klaviyo.com/en/reference/data_privacy_api_overview). Until when, it does not say.
  const categories = ["email_address", "telephone_number"] as const;
  return { state: "gone", retained: { basis: "legal_obligation", categories } };
}
