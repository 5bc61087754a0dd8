import {
  type CollectedSet,
  collected,
  type DataCategory,
  type KnownPerson,
  Personal,
  type PersonEntry,
  type RightsSection,
  z,
} from "#kit";
import { type Ask, at, type Credentials, openStripe, read } from "./api.ts";
import { erase, erased } from "./erasure.ts";
import { rectify } from "./rectification.ts";

export const rightsSection: RightsSection = {
  can: ["access", "erasure", "rectification"],
  // A job that there is already is found again, one that ran cannot run twice, and who is deleted stays so.
  repeatable: true,
  open: async (credentials: Credentials, account) => {
    const ask = await openStripe(credentials, account);
    return {
      find: (person) => find(ask, credentials, person),
      erased: (asked) => erased(ask, asked),
    };
  },
};

const Customer = z.looseObject({
  id: z.string(),
  email: z.string().nullish(),
  deleted: z.boolean().optional(),
});
const Page = z.object({ data: z.array(z.looseObject({ id: z.string() })), has_more: z.boolean() });
const Customers = z.object({ data: z.array(Customer) });

/** As many as Stripe gives at once. */
const PAGE = 100;
/** Pages of one sort at most, so that a step ends. */
const PAGES = 50;

/** A deleted customer is nobody any more by whom a person could be known: Stripe keeps the bare id. */
async function find(ask: Ask, credentials: Credentials, person: KnownPerson): Promise<PersonEntry[]> {
  const found = new Map<string, z.output<typeof Customer>>();
  const keep = (customer: z.output<typeof Customer>) => {
    if (customer.deleted !== true) found.set(customer.id, customer);
  };
  for (const id of person.platformIds.map((one) => one.reveal())) {
    if (!/^cus_\w+$/.test(id)) continue;
    const answer = await ask("GET", at("customers", id));
    if ("body" in answer) keep(read(Customer, answer.body));
  }
  for (const customer of await byAddresses(ask, person)) keep(customer);
  return [...found.values()].map(({ id }) => ({
    id: new Personal(id),
    collect: () => collect(ask, id),
    erase: () => erase(ask, id, credentials),
    rectify: (corrections) => rectify(ask, id, corrections),
  }));
}

/**
 * `email` is compared to the letter (https://docs.stripe.com/api/customers/list), and people write theirs in any case;
 * the search does not mind, but lags behind, and is not there everywhere (https://docs.stripe.com/search#limitations).
 * So both are asked, and what the search finds is compared here.
 */
async function byAddresses(ask: Ask, person: KnownPerson): Promise<z.output<typeof Customer>[]> {
  const given = person.emails.map((email) => email.reveal());
  const spellings = new Set(given.flatMap((email) => [email, email.toLowerCase()]));
  const wanted = new Set(given.map((email) => email.toLowerCase()));
  const found: z.output<typeof Customer>[] = [];
  for (const email of spellings) {
    const { records } = await pages(ask, "customers", { email });
    found.push(...read(z.array(Customer), records));
  }
  for (const email of wanted) {
    if (/["\\]/.test(email)) continue; // these end a text of the query
    const answer = await ask("GET", at("customers", "search"), { query: `email:"${email}"`, limit: PAGE });
    if ("body" in answer) found.push(...read(Customers, answer.body).data);
  }
  return found.filter(({ email }) => wanted.has(email?.toLowerCase() ?? ""));
}

/** What hangs on a customer, and how it is asked for: https://docs.stripe.com/api */
const SETS: readonly { path: readonly string[]; categories: readonly DataCategory[]; more?: object }[] = [
  { path: ["charges"], categories: ["name", "email_address", "postal_address", "payment"] },
  { path: ["payment_intents"], categories: ["payment", "purchase_history"] },
  { path: ["payment_methods"], categories: ["name", "email_address", "postal_address", "payment"] },
  { path: ["invoices"], categories: ["name", "email_address", "postal_address", "purchase_history"] },
  // Without a status, those that ended are left out.
  { path: ["subscriptions"], categories: ["subscription"], more: { status: "all" } },
  { path: ["checkout", "sessions"], categories: ["name", "email_address", "purchase_history"] },
];

async function collect(ask: Ask, id: string): Promise<CollectedSet[]> {
  const answer = await ask("GET", at("customers", id), { expand: ["tax_ids"] });
  if (!("body" in answer)) return [];
  const profile = [
    ...(["name", "email_address", "telephone_number", "postal_address"] as const),
    ...(["customer_id", "language"] as const),
  ];
  const sets = [collected("customers", profile, withoutSecrets([read(Customer, answer.body)]))];
  for (const { path, categories, more } of SETS) {
    const { records, incomplete } = await pages(ask, path.join("/"), { customer: id, ...more });
    const title = path.join("_");
    sets.push(collected(title, ["customer_id", ...categories], withoutSecrets(records), { incomplete }));
  }
  return sets;
}

async function pages(ask: Ask, path: string, fields: object) {
  const records: z.output<typeof Page>["data"] = [];
  for (let page = 0; page < PAGES; page++) {
    const after = records.at(-1)?.id;
    const answer = await ask("GET", `/v1/${path}`, { ...fields, limit: PAGE, starting_after: after });
    const { data, has_more: more } =
      "body" in answer ? read(Page, answer.body) : { data: [], has_more: false };
    records.push(...data);
    if (!more || data.length === 0) return { records, incomplete: false };
  }
  return { records, incomplete: true };
}

/** With it a payment can be completed: https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret */
const withoutSecrets = (records: readonly unknown[]): unknown[] =>
  JSON.parse(JSON.stringify(records, (key, value) => (key === "client_secret" ? undefined : value)));
