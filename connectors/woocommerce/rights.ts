import {
  type CollectedSet,
  collected,
  type DataCategory,
  type ErasureState,
  instant,
  type KnownPerson,
  Personal,
  type PersonEntry,
  type Retention,
  type RightsApi,
  type RightsSection,
} from "#kit";
import { type Credentials, openShop, read, type Shop } from "./api.ts";
import {
  type Customer,
  customer,
  download,
  isAddress,
  latest,
  order,
  ownOf,
  plain,
  review,
} from "./people.ts";
import { rectify } from "./rectification.ts";

/**
 * A person is in a shop as an account, and as an address under which a guest ordered or somebody wrote a review. Accounts
 * and reviews can be deleted. Orders stay, by law: so an address with nothing but orders is asked to be erased by no request
 * at all, and what is read back says that they are retained.
 */
export const rightsSection: RightsSection = {
  can: ["access", "erasure", "rectification"],
  // What is gone is answered as missing, and WordPress never gives an id again.
  repeatable: true,
  open: async (credentials: Credentials) => {
    const shop = await openShop(credentials);
    return { find: (person) => find(shop, person), erased: (asked) => erased(shop, asked) };
  },
};

const PROFILE = ["name", "email_address", "telephone_number", "postal_address"] as const;
const CUSTOMER: readonly DataCategory[] = [...PROFILE, "customer_id", "account"];
const ORDER: readonly DataCategory[] = [
  ...PROFILE,
  "customer_id",
  "purchase_history",
  "payment",
  "ip_address",
];
const REVIEW: readonly DataCategory[] = ["name", "email_address", "opinion"];

/** An account's id is digits, and an address is none. */
const isAccount = (id: string) => /^\d{1,20}$/.test(id);

async function find(shop: Shop, { platformIds, emails }: KnownPerson): Promise<readonly PersonEntry[]> {
  const accounts = new Map<string, Customer>();
  const add = (found: Customer) => accounts.set(found.id, found);
  for (const id of platformIds.map((one) => one.reveal()).filter((one) => isAccount(one) && one !== "0")) {
    const found = await shop.get(`customers/${id}`);
    if (found !== undefined) add(read(customer, found));
  }
  const addresses = new Set(emails.map((email) => plain(email.reveal())));
  for (const address of addresses) {
    // A star at either end of an address is any text to WordPress: what is found may be somebody else.
    const { records } = await shop.list("customers", customer, { email: address, role: "all" });
    for (const found of records) if (isAddress(found.email, address)) add(found);
  }
  for (const { email } of accounts.values()) if (email) addresses.add(plain(email));
  const guests = await inTurn([...addresses], (address) => guest(shop, address));
  return [
    ...[...accounts.values()].map((found) => account(shop, found)),
    ...guests.flatMap((one) => one ?? []),
  ];
}

/** Roles whose accounts the API deletes and gives another address; staff's it does not (`allowed_roles` since 9.5.2). */
const CUSTOMERS = ["customer", "subscriber"];

function account(shop: Shop, found: Customer): PersonEntry {
  const { id, role } = found;
  const own = { customer: id, status: "any" };
  return {
    id: new Personal(id),
    async collect(): Promise<CollectedSet[]> {
      const orders = await shop.list("orders", order, own);
      const downloads = await shop.list(`customers/${id}/downloads`, download);
      return [
        collected("customers", CUSTOMER, [ownOf(found)]),
        collected("orders", ORDER, orders.records.map(ownOf), orders),
        collected("downloads", ["purchase_history"], downloads.records.map(ownOf), downloads),
      ];
    },
    ...((role == null || CUSTOMERS.includes(role)) && {
      async erase() {
        // Orders lose their account with it: afterwards nobody could say whether there are any.
        const last = await shop.first("orders", order, { ...own, orderby: "date", order: "desc" });
        // There is no bin for customers. Nobody is named to take over their posts, which stay under no name.
        await shop.remove(`customers/${id}`, { force: true });
        return { receipt: last === undefined ? NO_ORDERS : (latest([last]) ?? ORDERS) };
      },
    }),
    rectify: (corrections) => rectify(shop, found, corrections),
  };
}

/** What a receipt says instead of the time of the latest order. */
const [NO_ORDERS, ORDERS] = ["no orders", "orders"];

/** What was done under an address without an account; undefined if nothing was. */
async function guest(shop: Shop, address: string): Promise<PersonEntry | undefined> {
  const orders = await ordersOf(shop, address);
  const reviews = await reviewsOf(shop, address);
  if (orders.records.length + reviews.records.length === 0) return undefined;
  return {
    id: new Personal(address),
    collect: async () => [
      collected("orders", ORDER, orders.records.map(ownOf), orders),
      collected("reviews", REVIEW, reviews.records.map(ownOf), reviews),
    ],
    async erase() {
      const remove = ({ id }: { id: string }) => shop.remove(`products/reviews/${id}`, { force: true });
      await inTurn(reviews.records, remove);
      return {};
    },
  };
}

/** Orders have no filter for it: the search looks at all that is in an address, and finds more than is the person's. */
async function ordersOf(shop: Shop, address: string) {
  const found = await shop.list("orders", order, { search: address, status: "any" });
  const own = found.records.filter(
    ({ customer_id, billing }) => customer_id === "0" && isAddress(billing?.email, address),
  );
  return { ...found, records: own };
}

async function reviewsOf(shop: Shop, address: string) {
  const found = await shop.list("products/reviews", review, { reviewer_email: address, status: "all" });
  return { ...found, records: found.records.filter((one) => isAddress(one.reviewer_email, address)) };
}

async function erased(
  shop: Shop,
  { id, receipt }: Parameters<NonNullable<RightsApi["erased"]>>[0],
): Promise<ErasureState> {
  const known = id.reveal();
  if (!isAccount(known)) {
    if ((await reviewsOf(shop, known)).records.length > 0) return { state: "there" };
    const { records } = await ordersOf(shop, known);
    return { state: "gone", ...(records.length > 0 && { retained: kept(latest(records)) }) };
  }
  if ((await shop.get(`customers/${known}`)) !== undefined) return { state: "there" };
  // Without a receipt there may be orders, and nothing finds them any more: better thought to be kept than forgotten.
  return { state: "gone", ...(receipt !== NO_ORDERS && { retained: kept(instant(receipt ?? undefined)) }) };
}

/** Orders are what invoices are made of; the shop lets go of them when its own time for that has come. */
const kept = (lastRecordAt: string | undefined): Retention => ({
  ...{ basis: "legal_obligation", categories: ORDER },
  ...(lastRecordAt !== undefined && { lastRecordAt }),
});

/** One request after the other: a shop is often a small server. */
async function inTurn<Value, Result>(
  values: readonly Value[],
  how: (value: Value) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const value of values) results.push(await how(value));
  return results;
}
