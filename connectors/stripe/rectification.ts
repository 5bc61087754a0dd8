import { type CorrectedField, type Corrections, platformFault, type RectificationAnswer, z } from "#kit";
import { type Ask, at, read } from "./api.ts";

const text = z.string().nullish();
const Held = z.object({
  email: text,
  phone: text,
  name: text,
  address: z
    .object({ line1: text, line2: text, city: text, postal_code: text, state: text, country: text })
    .nullish(),
});

/** https://docs.stripe.com/api/customers/update : the answer is the customer as it is held now. */
export async function rectify(ask: Ask, id: string, corrections: Corrections): Promise<RectificationAnswer> {
  const { email, phone, givenName, familyName, address } = corrections;
  // Stripe has one name, of which half cannot be set.
  const whole = givenName !== undefined && familyName !== undefined;
  const half = !whole && (givenName !== undefined || familyName !== undefined);
  const wanted = {
    ...(email && { email: email.reveal() }),
    ...(phone && { phone: phone.reveal() }),
    ...(whole && { name: `${givenName.reveal()} ${familyName.reveal()}` }),
    // An empty text takes away what was there.
    ...(address && {
      address: {
        line1: address.line1.reveal(),
        line2: address.line2?.reveal() ?? "",
        city: address.city.reveal(),
        postal_code: address.postalCode?.reveal() ?? "",
        state: address.region?.reveal() ?? "",
        country: address.country,
      },
    }),
  };
  const unsupported: CorrectedField[] = half ? [givenName ? "givenName" : "familyName"] : [];
  if (Object.keys(wanted).length === 0) return { held: [], accepted: [], unsupported };

  const answer = await ask("POST", at("customers", id), wanted);
  // It was there a moment ago.
  if (!("body" in answer)) throw platformFault(404);
  const now = read(Held, answer.body);
  const asWished: Partial<Record<CorrectedField, boolean>> = {
    ...(email && { email: now.email?.toLowerCase() === wanted.email?.toLowerCase() }),
    ...(phone && { phone: now.phone === wanted.phone }),
    ...(whole && { givenName: now.name === wanted.name, familyName: now.name === wanted.name }),
    ...(wanted.address && {
      address: Object.entries(wanted.address).every(
        ([part, value]) => (now.address?.[part as keyof typeof now.address] ?? "") === value,
      ),
    }),
  };
  const those = (held: boolean) =>
    (Object.keys(asWished) as CorrectedField[]).filter((field) => asWished[field] === held);
  return { held: those(true), accepted: those(false), unsupported };
}
