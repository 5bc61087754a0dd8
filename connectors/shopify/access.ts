import { type CollectedSet, collected, z } from "#kit";
import type { Ask } from "./api.ts";
import { read } from "./customers.ts";

/** https://shopify.dev/docs/api/admin-graphql/2026-07/objects/MailingAddress */
const ADDRESS =
  "firstName lastName company address1 address2 zip city province provinceCode countryCodeV2 phone";
const CONSENT = "marketingState marketingOptInLevel marketingUpdatedAt";
const MONEY = "{ shopMoney { amount currencyCode } }";

/** https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Customer */
const CUSTOMER = `query CustomerData($id: ID!, $most: Int!) {
  customer(id: $id) {
    id createdAt updatedAt firstName lastName displayName locale note tags state taxExempt verifiedEmail dataSaleOptOut numberOfOrders
    amountSpent { amount currencyCode }
    defaultEmailAddress { emailAddress ${CONSENT} }
    defaultPhoneNumber { phoneNumber ${CONSENT} whatsAppMarketingConsent { state optInLevel updatedAt } }
    addressesV2(first: $most) { nodes { id ${ADDRESS} } pageInfo { hasNextPage } }
    metafields(first: $most) { nodes { namespace key type value updatedAt } pageInfo { hasNextPage } }
  }
}`;

/** So few at once, because each of what could be there counts: https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits */
const ORDERS_AT_ONCE = 10;
const LINES = 20;
/** Addresses and metafields: what there is, for anybody but a warehouse. */
const MOST = 100;
/** Pages of orders at most, so that a step ends. */
const PAGES = 200;

/** https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Order */
const ORDERS = `query CustomerOrders($id: ID!, $first: Int!, $lines: Int!, $after: String) {
  customer(id: $id) {
    orders(first: $first, after: $after) {
      nodes {
        id name createdAt processedAt cancelledAt email phone note tags customerLocale clientIp
        displayFinancialStatus displayFulfillmentStatus paymentGatewayNames
        totalPriceSet ${MONEY}
        customAttributes { key value }
        billingAddress { ${ADDRESS} }
        shippingAddress { ${ADDRESS} }
        lineItems(first: $lines) {
          nodes { title variantTitle sku quantity originalTotalSet ${MONEY} customAttributes { key value } }
          pageInfo { hasNextPage }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

const Connection = z.object({
  nodes: z.array(z.looseObject({})),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
});
const Customer = z.object({
  customer: z
    .looseObject({ numberOfOrders: z.string(), addressesV2: Connection, metafields: Connection })
    .nullable(),
});
const Order = z.looseObject({ lineItems: Connection });
const Orders = z.object({
  customer: z.object({ orders: Connection.extend({ nodes: z.array(Order) }) }).nullable(),
});

/** Everything of a customer, in Shopify's own words. Ids are `gid://…` and numbers beyond 2^53 are texts already. */
export async function collect(ask: Ask, id: string): Promise<CollectedSet[]> {
  const { customer } = read(Customer, await ask(CUSTOMER, { id, most: MOST }));
  if (customer === null) return [];
  const { addressesV2: addresses, metafields, ...profile } = customer;
  const orders = await ordersOf(ask, id);
  return [
    collected(
      "customer",
      [
        ...(["name", "email_address", "telephone_number", "customer_id"] as const),
        ...(["account", "preferences", "language"] as const),
      ],
      [profile],
    ),
    set("addresses", ["name", "postal_address", "telephone_number"], addresses),
    set("metafields", ["account", "preferences"], metafields),
    collected(
      "orders",
      [
        ...(["name", "email_address", "telephone_number", "postal_address"] as const),
        ...(["purchase_history", "payment", "ip_address"] as const),
      ],
      orders.records.map(({ lineItems, ...order }) => ({ ...order, lineItems: lineItems.nodes })),
      // An app that may not read all orders is shown those of the last 60 days, without a word about the others.
      { incomplete: !orders.whole || orders.records.length < Number(customer.numberOfOrders) },
    ),
  ];
}

const set = (
  title: string,
  categories: CollectedSet["categories"],
  { nodes, pageInfo }: z.output<typeof Connection>,
) => collected(title, categories, nodes, { incomplete: pageInfo.hasNextPage });

async function ordersOf(ask: Ask, id: string) {
  const records: z.output<typeof Order>[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const answer: unknown = await ask(ORDERS, { id, first: ORDERS_AT_ONCE, lines: LINES, after });
    const { customer } = read(Orders, answer);
    if (customer === null) break;
    const { nodes, pageInfo } = customer.orders;
    records.push(...nodes);
    if (!pageInfo.hasNextPage)
      return { records, whole: records.every(({ lineItems }) => !lineItems.pageInfo.hasNextPage) };
    after = pageInfo.endCursor ?? null;
  }
  return { records, whole: false };
}
