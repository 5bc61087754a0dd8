import { type DataCategory, type ErasureState, instant, type Retention } from "#kit";
import { type Books, quoted } from "./api.ts";
import { type Someone, someone, transaction } from "./people.ts";

/** What the books say of a customer, as queries spell it, and as people do. */
export const SALES = [
  ["Invoice", "invoices"],
  ["Payment", "payments"],
  ["SalesReceipt", "sales receipts"],
  ["CreditMemo", "credit memos"],
  ["RefundReceipt", "refund receipts"],
  ["Estimate", "estimates"],
] as const;

export const SALE: readonly DataCategory[] = [
  ...(["name", "email_address", "postal_address"] as const),
  ...(["customer_id", "purchase_history", "payment"] as const),
];

/** The name that a customer has from then on: it cannot be blank, and no two customers, vendors or employees share one. */
const pseudonym = (id: string) => `Erased customer ${id}`;

/**
 * Customers cannot be deleted. A full update sets whatever it leaves out to null
 * (https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer#full-update-a-customer): so it
 * names what has to stay for the books to be right, and none of what a person could be known by is forgotten.
 */
export async function erase(books: Books, found: Someone): Promise<void> {
  const name = pseudonym(found.Id);
  await books.update("Customer", {
    ...Object.fromEntries(Object.entries(found).filter(([field]) => SETTINGS.includes(field))),
    ...{ Id: found.Id, SyncToken: found.SyncToken, sparse: false, Active: false },
    ...{ DisplayName: name, PrintOnCheckName: name, PreferredDeliveryMethod: "None" },
  });
}

/** How a customer is billed and taxed: nobody is known by it. */
const SETTINGS = [
  ...["ARAccountRef", "BillWithParent", "CurrencyRef", "CustomerTypeRef", "DefaultTaxCodeRef", "Job"],
  ...["ParentRef", "PaymentMethodRef", "SalesTermRef", "Taxable", "TaxExemptionReasonId"],
];

/** What of a customer somebody could be known by. */
const PERSONAL = [
  ...["Title", "GivenName", "MiddleName", "FamilyName", "Suffix", "CompanyName", "Notes", "WebAddr"],
  ...["PrimaryEmailAddr", "PrimaryPhone", "AlternatePhone", "Mobile", "Fax", "BillAddr", "ShipAddr"],
  ...["ResaleNum", "PrimaryTaxIdentifier", "SecondaryTaxIdentifier", "BusinessNumber", "GSTIN"],
];

export async function erased(books: Books, id: string): Promise<ErasureState> {
  const where = `Id in (${quoted(id)}) and Active in (true, false)`;
  const [found] = (await books.list("Customer", where, someone)).records;
  if (found !== undefined && !isErased(found)) return { state: "there" };
  const retained = await booksOf(books, id);
  return { state: "gone", ...(retained && { retained }) };
}

/** QuickBooks may write `(deleted)` after the name of what is not active. */
function isErased(found: Someone): boolean {
  const named = [found.DisplayName, found["PrintOnCheckName"]].every(
    (name) => name == null || (typeof name === "string" && name.startsWith(pseudonym(found.Id))),
  );
  return named && found.Active === false && !PERSONAL.some((field) => hasContent(found[field]));
}

function hasContent(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return false;
  if (typeof value !== "object") return true;
  // The number of an address that has nothing in it any more.
  return Object.entries(value).some(([field, content]) => field !== "Id" && hasContent(content));
}

/** What is booked of the customer, and offered, is kept by law, with the names and addresses that were printed on it. */
async function booksOf(books: Books, id: string): Promise<Retention | undefined> {
  const dates: (string | undefined)[] = [];
  for (const [entity] of SALES) {
    const last = await books.newest(entity, `CustomerRef = ${quoted(id)}`, transaction);
    if (last !== undefined) dates.push(instant(last.TxnDate ?? undefined));
  }
  if (dates.length === 0) return undefined;
  const lastRecordAt = dates.sort().findLast((date) => date !== undefined);
  return {
    ...{ basis: "legal_obligation", categories: SALE },
    ...(lastRecordAt !== undefined && { lastRecordAt }),
  };
}
