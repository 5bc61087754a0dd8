import {
  type ErasureAnswer,
  type ErasureState,
  type KnownPerson,
  Personal,
  type PersonEntry,
  platformFault,
  type RightsSection,
  z,
} from "#kit";
import { collect } from "./access.ts";
import { type Ask, openAdmin } from "./api.ts";
import type { Credentials } from "./credentials.ts";
import { customersBy, gid, ownIdentifiers, read } from "./customers.ts";
import { rectify } from "./rectification.ts";

/** An erasure is not repeatable: what a second request does to one that waits is not documented. */
export const rightsSection: RightsSection = {
  can: ["access", "erasure", "rectification"],
  open: async (credentials: Credentials, account) => {
    const ask = await openAdmin(credentials, account);
    return {
      find: (person) => find(ask, person),
      erased: (asked) => erased(ask, asked),
    };
  },
};

const FRAGMENT = { name: "Found", text: "fragment Found on Customer { id }" };

async function find(ask: Ask, person: KnownPerson): Promise<PersonEntry[]> {
  const identifiers = ownIdentifiers(person);
  if (identifiers.length === 0) return [];
  const found = await customersBy(ask, identifiers, z.object({ id: z.string() }), FRAGMENT);
  return [...new Set(found.flatMap((customer) => customer?.id ?? []))].map((id) => ({
    id: new Personal(id.slice(gid("").length)),
    collect: () => collect(ask, id),
    erase: () => erase(ask, id),
    rectify: (corrections) => rectify(ask, id, corrections),
  }));
}

/** https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/customerRequestDataErasure */
const ERASE = `mutation EraseCustomer($id: ID!) {
  erasure: customerRequestDataErasure(customerId: $id) { customerId userErrors { code } }
}`;
const Erasure = z.object({
  erasure: z.object({
    customerId: z.string().nullable(),
    userErrors: z.array(z.object({ code: z.string().nullable() })),
  }),
});

async function erase(ask: Ask, id: string): Promise<ErasureAnswer> {
  const { erasure } = read(Erasure, await ask(ERASE, { id }));
  const [error] = erasure.userErrors;
  // They come with a 200, and nothing was done. Their text could quote what was sent.
  if (error !== undefined) throw platformFault(error.code === "DOES_NOT_EXIST" ? 404 : 422);
  // Shopify gives none. That it took the request, and when, shows nowhere else: no API tells who is to be erased.
  return { receipt: new Date().toISOString() };
}

/** No address is asked for, only whether there is one. */
const LEFT = `query LeftOfCustomer($id: ID!) {
  customer(id: $id) {
    firstName lastName numberOfOrders
    email: defaultEmailAddress { state: marketingState }
    phone: defaultPhoneNumber { state: marketingState }
    address: defaultAddress { id }
    lastOrder { createdAt }
  }
}`;
const State = z.object({ state: z.string() }).nullable();
const Left = z.object({
  customer: z
    .object({
      firstName: z.string().nullable(),
      lastName: z.string().nullable(),
      /** An unsigned 64-bit number, as text. */
      numberOfOrders: z.string(),
      email: State,
      phone: State,
      address: z.object({ id: z.string() }).nullable(),
      lastOrder: z.object({ createdAt: z.iso.datetime() }).nullable(),
    })
    .nullable(),
});
type Left = z.output<typeof Left>["customer"];

async function erased(
  ask: Ask,
  { id, receipt }: { readonly id: Personal; readonly receipt: string | null },
): Promise<ErasureState> {
  const { customer } = read(Left, await ask(LEFT, { id: gid(id.reveal()) }));
  if (customer === null || isErased(customer)) return { state: "gone" };
  // Whether Shopify ever took it, nobody can tell.
  if (receipt === null) return { state: "there" };
  return { state: "pending", retained: { ...HELD_BACK, ...when(customer, Date.parse(receipt)) } };
}

/** `REDACTED`: "The customer's personal data is erased." https://shopify.dev/docs/api/admin-graphql/2026-07/enums/CustomerEmailMarketingState */
function isErased({ firstName, lastName, email, phone, address }: NonNullable<Left>): boolean {
  if (email?.state === "REDACTED" || phone?.state === "REDACTED") return true;
  return !firstName && !lastName && email === null && phone === null && address === null;
}

/**
 * An order of the last 180 days holds an erasure back, because its payment can still be disputed; and for ten days it can
 * be called off: https://help.shopify.com/en/manual/privacy-and-security/privacy/processing-customer-data-requests
 */
const DAY = 86_400_000;
const HOLD = { order: 180 * DAY, request: 10 * DAY };
const HELD_BACK = {
  basis: "legitimate_interests",
  categories: [
    ...(["name", "email_address", "telephone_number", "postal_address"] as const),
    ...(["customer_id", "purchase_history", "payment"] as const),
  ],
} as const;

function when({ numberOfOrders, lastOrder }: NonNullable<Left>, askedAt: number) {
  // An app that may not read all orders sees those of the last 60 days, and not that there is a later end.
  if (lastOrder === null && numberOfOrders !== "0") return {};
  const request = askedAt + HOLD.request;
  if (lastOrder === null) return { until: time(request) };
  const order = Date.parse(lastOrder.createdAt);
  return { until: time(Math.max(request, order + HOLD.order)), lastRecordAt: time(order) };
}

const time = (milliseconds: number) => new Date(milliseconds).toISOString();
