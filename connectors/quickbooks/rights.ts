import {
  type CollectedSet,
  collected,
  type DataCategory,
  type KnownPerson,
  missingCredentials,
  Personal,
  type PersonEntry,
  type RightsSection,
} from "#kit";
import { type Books, type Credentials, openBooks, quoted } from "./api.ts";
import { erase, erased, SALE, SALES } from "./erasure.ts";
import { hasAddress, isOpen, ownOf, type Someone, someone, transaction } from "./people.ts";
import { rectify } from "./rectification.ts";

/**
 * A customer is pseudonymised and made inactive, because none can be deleted; books stay, by law. Who is paid by the
 * company (vendors, employees) can be told what is held, and no more: the rest is left to somebody.
 */
export const rightsSection: RightsSection = {
  can: ["access", "erasure", "rectification"],
  // It sets the same again.
  repeatable: true,
  open: async ({ realmId }: Credentials, account, store) => {
    const realm = account ?? realmId;
    if (realm === undefined || !/^\d{1,20}$/.test(realm)) throw missingCredentials("realmId");
    const books = openBooks(realm, store);
    return {
      find: (person) => find(books, person),
      async erased({ id }) {
        const [place] = placesOf(books, [id]);
        return place?.kind === "customer" ? erased(books, place.id) : { state: "unknown" };
      },
    };
  },
};

const PROFILE: readonly DataCategory[] = ["name", "email_address", "telephone_number", "postal_address"];

type Kind = "customer" | "vendor" | "employee";

const KINDS: Readonly<
  Record<
    Kind,
    { entity: string; title: string; categories: readonly DataCategory[]; ref?: string; related: Related }
  >
> = {
  customer: {
    ...{ entity: "Customer", title: "customers", categories: [...PROFILE, "customer_id", "financial"] },
    ...{ ref: "CustomerRef", related: SALES },
  },
  vendor: {
    ...{ entity: "Vendor", title: "vendors", categories: [...PROFILE, "financial"], ref: "VendorRef" },
    related: [
      ["Bill", "bills"],
      ["BillPayment", "bill payments"],
      ["VendorCredit", "vendor credits"],
      ["PurchaseOrder", "purchase orders"],
    ],
  },
  // What they are paid is in QuickBooks Payroll, which this API does not tell of.
  employee: {
    ...{ entity: "Employee", title: "employees", related: [] },
    categories: [...PROFILE, "occupation", "date_of_birth", "gender", "financial"],
  },
};

type Related = readonly (readonly [entity: string, title: string])[];

/** What a query leaves out unless it is asked for. */
const ALL = "Active in (true, false)";

async function find(books: Books, { platformIds, emails }: KnownPerson): Promise<readonly PersonEntry[]> {
  const entries = new Map<string, PersonEntry>();
  const add = (kind: Kind, found: Someone) => {
    const id = `${books.realm}/${kind}/${found.Id}`;
    entries.set(id, entry(books, kind, found, id));
  };
  const places = placesOf(books, platformIds);
  for (const [kind, { entity }] of Object.entries(KINDS) as [Kind, (typeof KINDS)[Kind]][]) {
    const ids = places.filter((place) => place.kind === kind).map((place) => quoted(place.id));
    if (ids.length === 0) continue;
    const { records } = await books.list(entity, `Id in (${ids.join(", ")}) and ${ALL}`, someone);
    for (const found of records) add(kind, found);
  }
  // Intuit lets customers alone be asked for by address, and a field may hold several, the person's first.
  for (const email of new Set(emails.map((one) => one.reveal().trim()))) {
    const where = `PrimaryEmailAddr like ${quoted(`${email}%`)} and ${ALL}`;
    const { records } = await books.list("Customer", where, someone);
    for (const found of records) if (hasAddress(found, email)) add("customer", found);
  }
  return [...entries.values()];
}

/** A person's places in this company, as webhooks name them: `<realm>/customer/<id>`. Other companies have connections of their own. */
function placesOf({ realm }: Books, ids: readonly Personal[]): { kind: Kind; id: string }[] {
  return ids.flatMap((one) => {
    const [, company, kind, id] =
      /^(\d+)\/(customer|vendor|employee)\/([\w-]{1,64})$/.exec(one.reveal()) ?? [];
    return company === realm && id !== undefined ? [{ kind: kind as Kind, id }] : [];
  });
}

function entry(books: Books, kind: Kind, found: Someone, id: string): PersonEntry {
  return {
    id: new Personal(id),
    collect: () => collect(books, kind, found),
    // To make a customer inactive who owes, or is owed, would settle that: somebody does so first.
    ...(kind === "customer" &&
      !isOpen(found) && {
        async erase() {
          await erase(books, found);
          return {};
        },
      }),
    ...(kind === "customer" && { rectify: (corrections) => rectify(books, found, corrections) }),
  };
}

async function collect(books: Books, kind: Kind, found: Someone): Promise<CollectedSet[]> {
  const { title, categories, ref, related } = KINDS[kind];
  const sets = [collected(title, categories, [ownOf(found)])];
  for (const [entity, name] of related) {
    const made = await books.list(entity, `${ref} = ${quoted(found.Id)}`, transaction);
    sets.push(collected(name, SALE, made.records.map(ownOf), made));
  }
  return sets;
}
