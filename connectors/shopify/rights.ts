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

const DAY = 86_400_000;

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
  // Shopify gives no number. When it took the request shows nowhere else.
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
  const customer = gid(id.reveal());
  const { customer: left } = read(Left, await ask(LEFT, { id: customer }));
  if (left === null || isErased(left)) return { state: "gone" };
  const marked = await isMarked(ask, customer);
  const askedAt = receipt === null ? undefined : Date.parse(receipt);
  const unmarked = marked === false && Date.now() - (askedAt ?? 0) > DAY;
  // Nothing shows that Shopify took it; or somebody called it off.
  if (unmarked || (askedAt === undefined && !marked)) return { state: "there" };
  return { state: "pending", retained: { ...HELD_BACK, ...when(left, askedAt ?? Date.now()) } };
}

/**
 * Whether an erasure waits, as far as anything tells. Nothing does but what keeps customers from being merged:
 * `REDACTED_AT`, "the customer has a pending or completed redaction".
 * https://shopify.dev/docs/api/admin-graphql/2026-07/enums/CustomerMergeErrorFieldType
 */
const MARK = `query MarkOfErasure($id: ID!) { customer(id: $id) { mergeable { errorFields } } }`;
const Mark = z.object({
  customer: z.object({ mergeable: z.object({ errorFields: z.array(z.string()) }) }).nullable(),
});
const Denied = z.object({ code: z.literal("platform/unauthorised") });

/** Undefined where the app may not ask for that: it takes a scope of its own, and the rest goes without it. */
async function isMarked(ask: Ask, id: string): Promise<boolean | undefined> {
  try {
    const { customer } = read(Mark, await ask(MARK, { id }));
    return customer?.mergeable.errorFields.includes("REDACTED_AT") === true;
  } catch (error) {
    if (Denied.safeParse(error).success) return undefined;
    throw error;
  }
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
