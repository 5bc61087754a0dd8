import { z } from "zod";
import {
  type CorrectedAddress,
  type CorrectedField,
  type Corrections,
  optionalText,
  platformFault,
  type RectificationAnswer,
} from "#kit";
import type { Klaviyo } from "./api.ts";
import { read } from "./look-up.ts";

const Answer = z.object({
  data: z.object({
    attributes: z.object({
      ...{
        email: optionalText,
        phone_number: optionalText,
        first_name: optionalText,
        last_name: optionalText,
      },
      location: z.record(z.string(), z.unknown()).nullish(),
    }),
  }),
});

/** https://developers.klaviyo.com/en/reference/update_profile : what is not named stays; null clears it. */
export async function rectify(
  klaviyo: Klaviyo,
  { id }: { readonly id: string },
  corrections: Corrections,
): Promise<RectificationAnswer> {
  const { email, phone, givenName, familyName, address } = corrections;
  const location = address && locationOf(address);
  const attributes = {
    ...(email && { email: email.reveal() }),
    ...(phone && { phoneNumber: phone.reveal() }),
    ...(givenName && { firstName: givenName.reveal() }),
    ...(familyName && { lastName: familyName.reveal() }),
    ...(location && { location }),
  };
  const asked = (Object.keys(corrections) as CorrectedField[]).filter((field) => corrections[field]);
  if (asked.length === 0) return { held: [], accepted: [], unsupported: [] };
  const answer = await klaviyo.read((api) =>
    api.updateProfile(id, { data: { type: "profile", id, attributes } }),
  );
  // Who is not there cannot be corrected.
  if (answer === undefined) throw platformFault(404);
  const after = read(Answer, answer).data.attributes;
  const isHeld: Record<CorrectedField, () => boolean> = {
    email: () => after.email?.toLowerCase() === email?.reveal().toLowerCase(),
    phone: () => after.phone_number === phone?.reveal(),
    givenName: () => after.first_name === givenName?.reveal(),
    familyName: () => after.last_name === familyName?.reveal(),
    address: () =>
      Object.entries(location ?? {}).every(([part, value]) => (after.location?.[part] ?? null) === value),
  };
  return {
    held: asked.filter((field) => isHeld[field]()),
    accepted: asked.filter((field) => !isHeld[field]()),
    unsupported: [],
  };
}

const countries = new Intl.DisplayNames("en", { type: "region" });

/** With the country's English name, as Klaviyo's own examples have it. What the old address had beyond that goes. */
function locationOf({ line1, line2, city, region, postalCode, country }: CorrectedAddress) {
  return {
    ...{ address1: line1.reveal(), address2: line2?.reveal() ?? null, city: city.reveal() },
    ...{ region: region?.reveal() ?? null, zip: postalCode?.reveal() ?? null },
    ...{ country: countries.of(country) ?? country, latitude: null, longitude: null },
  };
}
