import { createHmac, randomUUID } from "node:crypto";

/** A signed webhook, ready to be sent. */
export interface SignedOrder {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A Shopify order of 2 KB by a customer of its own. */
export function signedOrder(number: number, secret: string): SignedOrder {
  const person = {
    id: 7_000_000_000 + number,
    email: `customer-${number}@example.com`,
    phone: null,
    first_name: "Grace",
    last_name: "Hopper",
    default_address: { address1: "1 Harbour Street", city: "Halifax", country_code: "CA", zip: "B3H 0A1" },
  };
  const item = { id: number, title: "A mug with a handle", quantity: 1, price: "14.00", sku: "MUG-1" };
  const order = {
    id: 9_000_000_000_000_000_000n.toString(),
    admin_graphql_api_id: `gid://shopify/Order/${number}`,
    email: person.email,
    created_at: "2026-11-21T10:00:00-04:00",
    currency: "CAD",
    total_price: "42.00",
    customer: person,
    billing_address: person.default_address,
    shipping_address: person.default_address,
    line_items: [item, item, item],
  };
  const text = JSON.stringify(order).replace(
    '"9000000000000000000"',
    String(9_000_000_000_000_000n + BigInt(number)),
  );
  const body = text.replace(/}$/, `,"note":"${"x".repeat(Math.max(0, 2_048 - text.length - 10))}"}`);
  return { body, headers: signedHeaders(body, secret) };
}

/** The same order again, as another delivery: the id of a delivery is not signed. */
export function anotherDelivery(order: SignedOrder): SignedOrder {
  return { ...order, headers: { ...order.headers, "x-shopify-webhook-id": randomUUID() } };
}

function signedHeaders(body: string, secret: string): Record<string, string> {
  return {
    "content-type": "application/json",
    "x-shopify-topic": "orders/create",
    "x-shopify-shop-domain": "bench.myshopify.com",
    "x-shopify-triggered-at": "2026-11-21T14:00:00.000000000Z",
    "x-shopify-webhook-id": randomUUID(),
    "x-shopify-hmac-sha256": createHmac("sha256", secret).update(body).digest("base64"),
  };
}
