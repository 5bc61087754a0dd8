import {
  type ActivityDeclaration,
  defineConnector,
  type EventHandler,
  field,
  joined,
  platformSchemes,
} from "#kit";
import { api, credentials } from "./api.ts";
import { changes } from "./payloads.ts";
import { ofPerson, ofSale } from "./records.ts";
import { rightsSection } from "./rights.ts";

const PROFILE = ["name", "email_address", "telephone_number", "postal_address"] as const;
const SALE = [
  "name",
  "email_address",
  "postal_address",
  "customer_id",
  "purchase_history",
  "payment",
] as const;

/** What the books hold of people. Operations: the table in https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks */
const PEOPLE = {
  customer: {
    purpose: "customer_management",
    lawfulBasis: "contract",
    dataCategories: [...PROFILE, "customer_id"],
  },
  vendor: { purpose: "accounting", lawfulBasis: "contract", dataCategories: [...PROFILE, "financial"] },
  // To pay wages (GDPR Art. 6(1)(b)); not by consent, which is hardly free towards an employer (EDPB Guidelines 05/2020, 21).
  employee: {
    purpose: "accounting",
    lawfulBasis: "contract",
    dataCategories: [...PROFILE, "occupation", "date_of_birth", "gender", "financial"],
  },
} as const satisfies Record<string, ActivityDeclaration>;

const KEPT = ["created", "updated", "deleted", "merged"] as const;
const SENT = ["created", "updated", "deleted", "emailed"] as const;
const BOOKED = [...SENT, "voided"] as const;
const BOOKS = { purpose: "accounting", lawfulBasis: "legal_obligation", dataCategories: SALE } as const;

const SALES = {
  // An offer is no entry in the books: it is a step before a contract.
  estimate: {
    name: "Estimate",
    operations: SENT,
    declared: { purpose: "order_fulfilment", lawfulBasis: "contract", dataCategories: SALE },
  },
  payment: {
    name: "Payment",
    operations: BOOKED,
    declared: { purpose: "payment", lawfulBasis: "contract", dataCategories: SALE },
  },
  invoice: { name: "Invoice", operations: BOOKED, declared: BOOKS },
  salesreceipt: { name: "SalesReceipt", operations: BOOKED, declared: BOOKS },
  creditmemo: { name: "CreditMemo", operations: BOOKED, declared: BOOKS },
  refundreceipt: { name: "RefundReceipt", operations: BOOKED, declared: BOOKS },
} as const satisfies Record<
  string,
  { name: string; operations: readonly string[]; declared: ActivityDeclaration }
>;

const TOPICS: readonly (readonly [topic: string, declared: ActivityDeclaration, handler: EventHandler])[] = [
  ...Object.entries(PEOPLE).flatMap(([entity, declared]) =>
    KEPT.map(
      (operation) => [`${entity}.${operation}`, declared, ofPerson(`${entity}.${operation}`)] as const,
    ),
  ),
  ...Object.entries(SALES).flatMap(([entity, { name, operations, declared }]) =>
    operations.map((operation) => {
      const topic = `${entity}.${operation}`;
      return [topic, declared, ofSale(topic, name)] as const;
    }),
  ),
];

export default defineConnector({
  id: "quickbooks",
  name: "QuickBooks Online",
  documentation: "https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks",
  credentials,
  api,
  rights: rightsSection,

  webhook: {
    signature: platformSchemes.quickbooks,
    body: "json",
    events: changes,
    id: { parts: [field("realm"), field("key")] },
    topic: joined(".", field("entity"), field("operation")),
    account: field("realm"),
    occurredAt: field("time"),
  },

  activities: Object.fromEntries(TOPICS.map(([topic, declared]) => [topic, declared])),
  events: Object.fromEntries(TOPICS.map(([topic, , handler]) => [topic, handler])),
});
