/** What Shopify holds of a customer beside addresses to write to, and consent. */
export interface Details {
  firstName: string | null;
  lastName: string | null;
  addresses: SimulatedAddress[];
  readonly orders: SimulatedOrder[];
  metafields: { namespace: string; key: string; type: string; value: string }[];
  /** An erasure was asked for, and waits. */
  erasing: boolean;
  /** The app may not read orders of more than 60 days ago. */
  ordersHidden: boolean;
}

export interface SimulatedAddress {
  id: string;
  address1: string | null;
  address2: string | null;
  zip: string | null;
  city: string | null;
  provinceCode: string | null;
  countryCode: string | null;
}

export interface SimulatedOrder {
  readonly id: string;
  readonly createdAt: string;
  readonly lines: number;
}

let addresses = 8_000_000_000_000_000_000n;
export const newAddressId = () => `gid://shopify/MailingAddress/${addresses++}`;

export const newDetails = (): Details => ({
  ...{ firstName: "Carla", lastName: "Canary", orders: [], erasing: false, ordersHidden: false },
  addresses: [
    {
      ...{
        id: newAddressId(),
        address1: "1 Canary Wharf",
        address2: "Flat 7",
        zip: "E14 5AB",
        city: "London",
      },
      ...{ provinceCode: null, countryCode: "GB" },
    },
  ],
  metafields: [{ namespace: "custom", key: "shoe", type: "number_integer", value: "9007199254740993" }],
});

interface Paging {
  readonly first?: number;
  readonly after?: string | null;
}

/** https://shopify.dev/docs/api/usage/pagination-graphql */
function connection<Node>(nodes: readonly Node[], { first, after }: Paging) {
  if (first === undefined || first > 250) throw new TypeError("argumentLiteralsIncompatible");
  const from = after == null ? 0 : Number(after);
  const end = from + first;
  return {
    nodes: nodes.slice(from, end),
    pageInfo: { hasNextPage: nodes.length > end, endCursor: String(Math.min(end, nodes.length)) },
  };
}

const money = { shopMoney: { amount: "19.99", currencyCode: "GBP" } };

/** The fields of a customer, and of an order, that are asked for: https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Customer */
export function details({ firstName, lastName, orders: all, metafields, ...customer }: Details) {
  const name = { firstName, lastName };
  const address = ({ countryCode, ...one }: SimulatedAddress) => ({
    ...{ ...one, ...name, countryCodeV2: countryCode, company: null, province: null, phone: null },
  });
  const shown = customer.addresses.map(address);
  const recent = Date.now() - 60 * 86_400_000;
  const orders = all.filter(({ createdAt }) => !customer.ordersHidden || Date.parse(createdAt) > recent);
  const order = ({ id, createdAt, lines }: SimulatedOrder) => ({
    ...{ id: `gid://shopify/Order/${id}`, name: `#${id}`, createdAt, processedAt: createdAt },
    ...{ cancelledAt: null, email: null, phone: null, note: null, tags: [], customerLocale: "en-GB" },
    ...{ clientIp: "203.0.113.7", displayFinancialStatus: "PAID", displayFulfillmentStatus: "FULFILLED" },
    ...{ paymentGatewayNames: ["shopify_payments"], totalPriceSet: money, customAttributes: [] },
    ...{ billingAddress: shown[0] ?? null, shippingAddress: shown[0] ?? null },
    lineItems: (paging: Paging) =>
      connection(
        Array.from({ length: lines }, (_, n) => ({
          ...{ title: `Thing ${n}`, variantTitle: null, sku: null, quantity: 1 },
          ...{ originalTotalSet: money, customAttributes: [] },
        })),
        paging,
      ),
  });
  return {
    ...{ ...name, displayName: [firstName, lastName].join(" "), locale: "en-GB", note: null, tags: ["vip"] },
    ...{ createdAt: "2025-01-02T03:04:05Z", updatedAt: "2026-01-02T03:04:05Z", state: "ENABLED" },
    ...{ taxExempt: false, verifiedEmail: true, dataSaleOptOut: false, numberOfOrders: String(all.length) },
    amountSpent: money.shopMoney,
    mergeable: { errorFields: customer.erasing ? ["REDACTED_AT"] : [] },
    defaultAddress: shown[0] ?? null,
    addressesV2: (paging: Paging) => connection(shown, paging),
    metafields: (paging: Paging) =>
      connection(
        metafields.map((one) => ({ ...one, updatedAt: "2026-01-02T03:04:05Z" })),
        paging,
      ),
    lastOrder: orders.map(order).at(-1) ?? null,
    orders: (paging: Paging) => connection(orders.map(order), paging),
  };
}
