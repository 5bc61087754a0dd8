import type { Customer } from "./shopify-customer.ts";
import { newAddressId, type SimulatedAddress } from "./shopify-details.ts";

type Input = Readonly<Record<string, unknown>>;
type Shown = (customer: Customer | undefined) => unknown;
type Operations = Readonly<
  Record<string, (people: Map<string, Customer>, input: Input, shown: Shown) => unknown>
>;

/** The types of the arguments, which a query has to declare. */
export const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  customerByIdentifier: { identifier: "CustomerIdentifierInput!" },
  customer: { id: "ID!" },
  customerRequestDataErasure: { customerId: "ID!" },
  customerUpdate: { input: "CustomerInput!" },
  customerAddressCreate: { customerId: "ID!", address: "MailingAddressInput!" },
  customerAddressUpdate: { customerId: "ID!", addressId: "ID!", address: "MailingAddressInput!" },
};

/** What there is for people's rights: https://shopify.dev/docs/api/admin-graphql/2026-07 */
export const RIGHTS = {
  customer: (people, { id }, shown) => shown(byId(people, id)),

  customerRequestDataErasure(people, { customerId }) {
    const customer = byId(people, customerId);
    if (customer === undefined) return { customerId: null, userErrors: [error("DOES_NOT_EXIST")] };
    // What a second request does is not documented: here it is seen, so that a test finds it.
    if (customer.erasing) return { customerId: null, userErrors: [error("FAILED_TO_REQUEST")] };
    customer.erasing = true;
    return { customerId, userErrors: [] };
  },

  customerUpdate(people, { input }, shown) {
    const { id, email, phone, ...names } = input as Record<string, string>;
    const customer = byId(people, id);
    const taken = [...people.values()].some(
      (other) => other !== customer && email !== undefined && other.email === email.toLowerCase(),
    );
    if (customer === undefined || taken) return { customer: null, userErrors: [error(`${email} is taken`)] };
    Object.assign(customer, names, email && { email: email.toLowerCase() }, phone && { phone });
    return { customer: shown(customer), userErrors: [] };
  },

  customerAddressCreate: (people, { customerId, address }) =>
    written(byId(people, customerId), address, newAddressId()),
  customerAddressUpdate: (people, { customerId, addressId, address }) =>
    written(byId(people, customerId), address, String(addressId)),
} satisfies Operations;
export type RightsOperation = keyof typeof RIGHTS;

/** Carries out what was asked for. What was bought, when, and for how much, stays. */
export function erase(customer: Customer): void {
  if (!customer.erasing) return;
  Object.assign(customer, { firstName: null, lastName: null, email: null, phone: null });
  Object.assign(customer, { addresses: [], metafields: [], erasing: false });
}

const byId = (people: Map<string, Customer>, id: unknown) =>
  people.get(String(id).replace("gid://shopify/Customer/", ""));

const error = (code: string) => ({
  code,
  field: ["customerId"],
  message: `about carla@canary.example: ${code}`,
});

function written(customer: Customer | undefined, input: unknown, id: string) {
  const known = customer?.addresses.find((one) => one.id === id);
  const given = Object.entries(input as Record<string, string>).map(([part, text]) => [part, text || null]);
  const address = { ...known, id, ...Object.fromEntries(given) } as SimulatedAddress;
  if (customer === undefined || !/^[A-Z]{2}$/.test(address.countryCode ?? ""))
    return { address: null, userErrors: [error("INVALID")] };
  customer.addresses = [address, ...customer.addresses.filter((one) => one !== known)];
  return { address: { ...address, countryCodeV2: address.countryCode }, userErrors: [] };
}
