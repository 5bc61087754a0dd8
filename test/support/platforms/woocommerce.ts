import { json, reception } from "./reception.ts";
import type { SimulatedApi, SimulatedRequest } from "./simulated.ts";

/** Wider than a JavaScript number: WordPress's ids are 64 bits, and come as JSON numbers. */
type Id = string;
type Fields = Record<string, unknown>;

interface Account {
  readonly id: Id;
  email: string;
  readonly role: string;
  first_name: string;
  last_name: string;
  billing: Record<string, string>;
  readonly shipping: Record<string, string>;
}

interface Order {
  readonly id: Id;
  customer: Id;
  readonly email: string;
  readonly made: string;
}

export interface SimulatedWooCommerce extends SimulatedApi {
  /** Somebody orders, as an account or as a guest by their address. The order's id. */
  order(by: { account?: string; email: string; made: string }): string;
  /** The shop, or WordPress's own tool, anonymises the orders of an address. */
  anonymise(email: string): void;
  review(by: { email: string; text: string }): string;
  download(account: string, file: string): void;
  /** Somebody of the shop's staff. */
  employ(email: string): string;
  readonly orders: readonly Order[];
  accountOf(id: string): Account | undefined;
}

export interface WooCommerceOptions {
  readonly url?: string;
  readonly consumerKey?: string;
  readonly consumerSecret?: string;
}

const number = (id: Id) => `##${id}##`;

/**
 * A shop's REST API v3: https://woocommerce.github.io/woocommerce-rest-api-docs/ , and as the controllers of its code have
 * it (https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers). `has` is
 * about accounts and reviews: orders are kept by law.
 */
export function simulateWooCommerce(options: WooCommerceOptions = {}): SimulatedWooCommerce {
  const { url = "https://shop.example", consumerKey = "ck_1", consumerSecret = "cs_s3cret" } = options;
  const accounts = new Map<Id, Account>();
  const reviews = new Map<Id, { id: Id; email: string; text: string }>();
  const downloads: { account: Id; file: string }[] = [];
  const orders: Order[] = [];
  let last = 9_007_199_254_740_993n;
  const next = () => String(last++);
  const known = new Map<Id, string>();

  function answer(request: SimulatedRequest): Response {
    const asked = new URL(request.url);
    const prefix = `${new URL(url).pathname.replace(/\/$/, "")}/wp-json/wc/v3/`;
    if (request.headers["authorization"] !== `Basic ${btoa(`${consumerKey}:${consumerSecret}`)}`)
      return failed(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.");
    if (!asked.pathname.startsWith(prefix)) return failed(404, "rest_no_route", "No route was found.");
    const [kind, id, more] = asked.pathname.slice(prefix.length).split("/");
    const query = asked.searchParams;
    if (kind === "customers" && id === undefined) return page(customersBy(query).map(customer), query);
    if (kind === "customers" && more === "downloads")
      return page(
        downloads
          .filter((one) => one.account === id)
          .map(({ file }) => ({ download_id: file, file: { name: file } })),
        query,
      );
    if (kind === "customers" && id !== undefined) return onCustomer(request, id, query);
    if (kind === "orders" && id === undefined) return page(ordersBy(query).map(orderShown), query);
    if (kind === "products" && id === "reviews") return onReviews(request, more, query);
    return failed(404, "rest_no_route", "No route was found matching the URL and request method.");
  }

  /** WP_User_Query: a star at either end stands for any text. Without a role, customers alone. */
  function customersBy(query: URLSearchParams): Account[] {
    const email = (query.get("email") ?? "*").toLowerCase();
    const role = query.get("role") ?? "customer";
    const middle = email.replace(/^\*|\*$/g, "");
    return [...accounts.values()].filter((one) => {
      const own = one.email.toLowerCase();
      const found = email.startsWith("*")
        ? email.endsWith("*")
          ? own.includes(middle)
          : own.endsWith(middle)
        : email.endsWith("*")
          ? own.startsWith(middle)
          : own === email;
      return found && (role === "all" || one.role === role);
    });
  }

  function onCustomer({ method, body }: SimulatedRequest, id: Id, query: URLSearchParams): Response {
    const found = accounts.get(id);
    if (found === undefined) return failed(404, "wc_user_invalid_id", "Invalid user ID.");
    if (method === "DELETE") {
      if (query.get("force") !== "true")
        return failed(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.");
      if (!["customer", "subscriber"].includes(found.role))
        return failed(
          403,
          "woocommerce_rest_cannot_delete",
          `Sorry, users with ${found.role} role cannot be deleted.`,
        );
      accounts.delete(id);
      for (const one of orders) if (one.customer === id) one.customer = "0";
    }
    if (method === "PUT") {
      const { billing, ...given } = JSON.parse(body) as Partial<Account>;
      const taken = [...accounts.values()].some((one) => one !== found && one.email === given.email);
      if (taken) return failed(400, "woocommerce_rest_customer_invalid_email", `${given.email} is invalid.`);
      Object.assign(found, given);
      Object.assign(found.billing, billing);
    }
    return shown(customer(found));
  }

  /** `search` looks for the text anywhere in an order's addresses. */
  function ordersBy(query: URLSearchParams): Order[] {
    const [text, by] = [query.get("search")?.toLowerCase(), query.get("customer")];
    const found = orders.filter(
      ({ customer, email }) =>
        (by === null || by === customer) && (text === undefined || `${email}, ${email}`.includes(text)),
    );
    return found.sort((a, b) => (a.made < b.made ? 1 : -1));
  }

  function onReviews({ method }: SimulatedRequest, id: Id | undefined, query: URLSearchParams): Response {
    if (id === undefined) {
      const email = query.get("reviewer_email");
      const found = [...reviews.values()].filter((one) => email === null || one.email === email);
      return page(
        found.map((one) => ({
          id: number(one.id),
          review: one.text,
          reviewer: "Carla",
          reviewer_email: one.email,
        })),
        query,
      );
    }
    if (!reviews.has(id)) return failed(404, "woocommerce_rest_review_invalid_id", "Invalid review ID.");
    if (method !== "DELETE" || query.get("force") !== "true")
      return failed(501, "woocommerce_rest_trash_not_supported", "not simulated");
    reviews.delete(id);
    return shown({ deleted: true });
  }

  function create(email: string, role: string, phone = ""): Id {
    const id = next();
    accounts.set(id, {
      ...{ id, email, role, first_name: "Carla", last_name: "Canary" },
      billing: {
        first_name: "Carla",
        last_name: "Canary",
        email,
        phone,
        address_1: "1 Old Road",
        address_2: "Flat 2",
      },
      shipping: { first_name: "Tom" },
    });
    known.set(id, email);
    return id;
  }

  return {
    connector: "woocommerce",
    account: url,
    credentials: { url, consumerKey, consumerSecret },
    serves: (host) => host === new URL(url).host,
    ...reception(answer),
    orders,
    accountOf: (id) => accounts.get(id),
    add: ({ email, phone }) => create(email, "customer", phone),
    employ: (email) => create(email, "shop_manager"),
    has: (id) => accounts.has(id) || [...reviews.values()].some(({ email }) => email === known.get(id)),
    order({ account = "0", email, made }) {
      const id = next();
      orders.push({ id, customer: account, email, made });
      return id;
    },
    anonymise(email) {
      for (const [index, one] of orders.entries())
        if (one.email === email) orders[index] = { ...one, email: "deleted@site.invalid", customer: "0" };
    },
    review({ email, text }) {
      const id = next();
      reviews.set(id, { id, email, text });
      return id;
    },
    download: (account, file) => void downloads.push({ account, file }),
  };
}

const customer = ({ id, ...fields }: Account): Fields => ({
  id: number(id),
  ...fields,
  meta_data: [
    { id: 7, key: "session_tokens", value: "t0ken of a session" },
    { id: 8, key: "vat_number", value: "DE123" },
  ],
  _links: { self: [{ href: "https://shop.example" }] },
});

const orderShown = ({ id, customer, email, made }: Order): Fields => ({
  id: number(id),
  customer_id: number(customer),
  order_key: "wc_order_t0ken",
  date_created_gmt: made,
  status: "completed",
  total: "12.30",
  billing: { first_name: "Carla", email },
});

/** https://woocommerce.github.io/woocommerce-rest-api-docs/#pagination */
function page(records: readonly Fields[], query: URLSearchParams): Response {
  const [size, at] = [Number(query.get("per_page") ?? 10), Number(query.get("page") ?? 1)];
  if (size > 100) return failed(400, "rest_invalid_param", "Invalid parameter(s): per_page");
  return shown(records.slice((at - 1) * size, at * size), {
    "x-wp-total": String(records.length),
    "x-wp-totalpages": String(Math.ceil(records.length / size)),
  });
}

const shown = (body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body).replace(/"##(\d+)##"/g, "$1"), {
    headers: { "content-type": "application/json; charset=UTF-8", ...headers },
  });

/** https://woocommerce.github.io/woocommerce-rest-api-docs/#errors */
const failed = (status: number, code: string, message: string) =>
  json({ code, message, data: { status } }, { status });
