import type { CorrectedField, Corrections, RectificationAnswer } from "#kit";
import { read, type Shop } from "./api.ts";
import { type Customer, customer } from "./people.ts";

/** What an account holds of a field, and where: https://woocommerce.github.io/woocommerce-rest-api-docs/#update-a-customer */
type Billing = Record<string, string>;

/**
 * Corrects the account and its billing address, in one request. The shipping address is left alone, because others are
 * shipped to, and so are orders, which say what was.
 */
export async function rectify(
  shop: Shop,
  { id }: Customer,
  corrections: Corrections,
): Promise<RectificationAnswer> {
  const { email, phone, givenName, familyName, address } = corrections;
  const account: Billing = {
    ...(email && { email: email.reveal() }),
    ...(givenName && { first_name: givenName.reveal() }),
    ...(familyName && { last_name: familyName.reveal() }),
  };
  const billing: Billing = {
    ...account,
    ...(phone && { phone: phone.reveal() }),
    ...(address && {
      address_1: address.line1.reveal(),
      // Empty, not absent: what is absent stays as it was, and would be part of another address.
      address_2: address.line2?.reveal() ?? "",
      city: address.city.reveal(),
      postcode: address.postalCode?.reveal() ?? "",
      state: address.region?.reveal() ?? "",
      country: address.country,
    }),
  };
  const after = read(customer, await shop.put(`customers/${id}`, { ...account, billing }));

  const holds = (fields: readonly string[]) =>
    fields.every(
      (field) =>
        after.billing?.[field] === billing[field] && (!(field in account) || after[field] === account[field]),
    );
  const asked = (Object.keys(FIELDS) as CorrectedField[]).filter((field) => corrections[field] !== undefined);
  return {
    held: asked.filter((field) => holds(FIELDS[field])),
    accepted: asked.filter((field) => !holds(FIELDS[field])),
    unsupported: [],
  };
}

const FIELDS: Readonly<Record<CorrectedField, readonly string[]>> = {
  email: ["email"],
  phone: ["phone"],
  givenName: ["first_name"],
  familyName: ["last_name"],
  address: ["address_1", "address_2", "city", "postcode", "state", "country"],
};
