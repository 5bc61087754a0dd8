import {
  type CorrectedAddress,
  type CorrectedField,
  type Corrections,
  platformFault,
  type RectificationAnswer,
  z,
} from "#kit";
import type { Ask } from "./api.ts";
import { read } from "./customers.ts";

const HELD =
  "firstName lastName email: defaultEmailAddress { value: emailAddress } phone: defaultPhoneNumber { value: phoneNumber }";

/** https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/customerUpdate */
const UPDATE = `mutation CorrectCustomer($input: CustomerInput!) {
  changed: customerUpdate(input: $input) { customer { ${HELD} } userErrors { field } }
}`;

const DEFAULT = `query DefaultAddress($id: ID!) { customer(id: $id) { address: defaultAddress { id } } }`;

const ADDRESS = "address { address1 address2 zip city provinceCode countryCodeV2 } userErrors { field }";
/** https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/customerAddressUpdate */
const UPDATE_ADDRESS = `mutation CorrectAddress($id: ID!, $addressId: ID!, $address: MailingAddressInput!) {
  changed: customerAddressUpdate(customerId: $id, addressId: $addressId, address: $address) { ${ADDRESS} }
}`;
/** https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/customerAddressCreate : the first one is the default. */
const CREATE_ADDRESS = `mutation AddAddress($id: ID!, $address: MailingAddressInput!) {
  changed: customerAddressCreate(customerId: $id, address: $address) { ${ADDRESS} }
}`;

const text = z.string().nullish();
const value = z.object({ value: text }).nullish();
const Errors = z.array(z.unknown());
const Changed = z.object({
  changed: z.object({
    customer: z.object({ firstName: text, lastName: text, email: value, phone: value }).nullish(),
    userErrors: Errors,
  }),
});
const Address = z.object({
  address1: text,
  address2: text,
  zip: text,
  city: text,
  provinceCode: text,
  countryCodeV2: text,
});
const ChangedAddress = z.object({
  changed: z.object({ address: Address.nullish(), userErrors: Errors }),
});
const Default = z.object({
  customer: z.object({ address: z.object({ id: z.string() }).nullable() }).nullable(),
});

/** The customer's own fields in one request; the default address, which is made where there is none, in two. */
export async function rectify(ask: Ask, id: string, corrections: Corrections): Promise<RectificationAnswer> {
  const answers = [
    ...(await correct(ask, id, corrections)),
    ...(corrections.address === undefined ? [] : [await correctAddress(ask, id, corrections.address)]),
  ];
  const those = (how: string) => answers.filter(([, answer]) => answer === how).map(([field]) => field);
  return { held: those("held"), accepted: those("accepted"), unsupported: those("unsupported") };
}

type FieldAnswer = readonly [CorrectedField, "held" | "accepted" | "unsupported"];

async function correct(ask: Ask, id: string, corrections: Corrections): Promise<FieldAnswer[]> {
  const { email, phone, givenName, familyName } = corrections;
  const input = {
    ...(email && { email: email.reveal() }),
    ...(phone && { phone: phone.reveal() }),
    ...(givenName && { firstName: givenName.reveal() }),
    ...(familyName && { lastName: familyName.reveal() }),
  };
  if (Object.keys(input).length === 0) return [];
  const { changed } = read(Changed, await ask(UPDATE, { input: { id, ...input } }));
  // They have no code, and their text can quote what was sent: an address that another customer has, or that is none.
  const { customer } = changed;
  if (changed.userErrors.length > 0 || !customer) throw platformFault(422);
  const same = (field: CorrectedField, wished: string | undefined, held: string | null | undefined) =>
    wished === undefined ? [] : [[field, alike(wished, held) ? "held" : "accepted"] as const];
  return [
    ...same("email", input.email, customer.email?.value),
    ...same("phone", input.phone, customer.phone?.value),
    ...same("givenName", input.firstName, customer.firstName),
    ...same("familyName", input.lastName, customer.lastName),
  ];
}

async function correctAddress(ask: Ask, id: string, wished: CorrectedAddress): Promise<FieldAnswer> {
  const region = wished.region?.reveal().toUpperCase().replace(`${wished.country}-`, "") ?? "";
  // Shopify knows a region by its code (ISO 3166-2). By its name it would keep the address, and drop the region.
  if (!/^([A-Z0-9]{1,3})?$/.test(region)) return ["address", "unsupported"];
  const address = {
    address1: wished.line1.reveal(),
    address2: wished.line2?.reveal() ?? "",
    zip: wished.postalCode?.reveal() ?? "",
    city: wished.city.reveal(),
    provinceCode: region,
    countryCode: wished.country,
  };
  const { customer } = read(Default, await ask(DEFAULT, { id }));
  if (customer === null) throw platformFault(404);
  const addressId = customer.address?.id;
  const answer =
    addressId === undefined
      ? await ask(CREATE_ADDRESS, { id, address })
      : await ask(UPDATE_ADDRESS, { id, addressId, address });
  const { changed } = read(ChangedAddress, answer);
  const now = changed.address;
  if (changed.userErrors.length > 0 || !now) throw platformFault(422);
  const { countryCode, ...rest } = address;
  const held =
    now.countryCodeV2 === countryCode &&
    (Object.keys(rest) as (keyof typeof rest)[]).every((part) => alike(rest[part], now[part]));
  return ["address", held ? "held" : "accepted"];
}

/** Shopify writes addresses in small letters. */
const alike = (wished: string, held: string | null | undefined) =>
  wished.trim().toLowerCase() === (held ?? "").trim().toLowerCase();
