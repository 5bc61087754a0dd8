import type { ConsentPurpose, ConsentState } from "#schemas";
import { type Field, given, readOperation, select, UnknownField } from "./graphql.ts";
import { type ShopifyApp, simulateApp } from "./shopify-app.ts";
import { type Channel, type Choice, type Customer, shown, webhook } from "./shopify-customer.ts";
import { newDetails, type SimulatedOrder } from "./shopify-details.ts";
import { erase, RIGHTS, type RightsOperation, TYPES } from "./shopify-rights.ts";
import type { Fault, SimulatedPlatform, SimulatedRequest, SimulatedWebhook } from "./simulated.ts";

export interface SimulatedShopify extends SimulatedPlatform {
  /** From now on the bucket holds this many points fewer than a question costs; without a number, it is full again. */
  throttle(missing?: number): void;
  /** Somebody without an address, as at the till. */
  addByPhone(phone: string): string;
  /** Shopify itself comes to another state, such as `REDACTED`. */
  hold(id: string, purpose: Channel, state: string): void;
  /** The tokens that the app was given count no more; it may get others. */
  revoke(): void;
  /** The app is taken out of the shop, with its tokens. */
  uninstall(): void;
  /** Somebody orders; days ago, or now. */
  order(id: string, order?: Partial<SimulatedOrder> & { daysAgo?: number }): void;
  /** What there is of a customer. */
  customer(id: string): Customer | undefined;
}

const COST = { requestedQueryCost: 11, maximumAvailable: 1_000, restoreRate: 50 };

const MUTATIONS: Readonly<Record<string, Channel>> = {
  customerEmailMarketingConsentUpdate: "email_marketing",
  customerSmsMarketingConsentUpdate: "sms_marketing",
  customerWhatsAppMarketingConsentUpdate: "whatsapp_marketing",
};
const NAMES = {
  email_marketing: { argument: "emailMarketingConsent", type: "Email", state: "marketingState" },
  sms_marketing: { argument: "smsMarketingConsent", type: "Sms", state: "marketingState" },
  whatsapp_marketing: { argument: "whatsAppMarketingConsent", type: "WhatsApp", state: "state" },
} as const;

const WORDS: Readonly<Record<ConsentState, string>> = {
  granted: "SUBSCRIBED",
  withdrawn: "UNSUBSCRIBED",
  denied: "UNSUBSCRIBED",
  pending: "PENDING",
  not_asked: "NOT_SUBSCRIBED",
};
const MEANINGS: Readonly<Record<string, ConsentState>> = {
  SUBSCRIBED: "granted",
  UNSUBSCRIBED: "withdrawn",
  PENDING: "pending",
  NOT_SUBSCRIBED: "not_asked",
};

const toSecond = (time: string | number) => `${new Date(time).toISOString().slice(0, 19)}Z`;

/**
 * A shop's Admin API (GraphQL, 2026-07) and its consent webhooks: https://shopify.dev/docs/api/admin-graphql
 * With an `app`, that gets its tokens for itself; otherwise there is one, which lasts.
 */
export function simulateShopify(
  options: { shop?: string; accessToken?: string; app?: ShopifyApp; firstId?: bigint } = {},
): SimulatedShopify {
  const { shop = "lethe-sandbox.myshopify.com", accessToken = "shpat_0123456789abcdef" } = options;
  const app = options.app && simulateApp(options.app);
  /** Beyond 2^53, so that whoever takes it for a number has another one. */
  let nextId = options.firstId ?? 706405506930370084n;
  const people = new Map<string, Customer>();
  const requests: SimulatedRequest[] = [];
  const outbox: SimulatedWebhook[] = [];
  let fault: Fault | undefined;
  let missing: number | undefined;

  function know(
    email: string | null,
    phone: string | null,
    held: Partial<Record<string, ConsentState>> = {},
  ) {
    const id = String(nextId++);
    const month = toSecond(Date.now() - 30 * 86_400_000);
    const choice = (state: ConsentState = "not_asked"): Choice => ({
      ...{ state: WORDS[state], level: "SINGLE_OPT_IN", at: state === "not_asked" ? null : month },
    });
    const { email_marketing, sms_marketing, whatsapp_marketing } = held;
    const choices = {
      email_marketing: choice(email_marketing),
      sms_marketing: choice(sms_marketing),
      whatsapp_marketing: choice(whatsapp_marketing),
    };
    people.set(id, { id, email, phone, choices, ...newDetails() });
    return id;
  }

  function change(customer: Customer, channel: Channel, to: Choice) {
    const { state, level, at } = customer.choices[channel];
    // The state is that of the most recent choice (CustomerEmailMarketingConsentState.consentUpdatedAt).
    if (at !== null && to.at !== null && Date.parse(to.at) < Date.parse(at)) return;
    customer.choices[channel] = to;
    if (state !== to.state || level !== to.level || at !== to.at)
      outbox.push(webhook(shop, customer, channel));
  }

  function answer(name: string, input: Readonly<Record<string, unknown>>): unknown {
    if (name === "customerByIdentifier") return shown(byIdentifier(input["identifier"]));
    const operation = RIGHTS[name as RightsOperation];
    if (operation !== undefined) return operation(people, input, shown);
    const channel = MUTATIONS[name];
    if (channel === undefined) throw new UnknownField(name);
    const { customerId, [NAMES[channel].argument]: consent } = input["input"] as Record<string, unknown>;
    const customer = people.get(String(customerId).replace("gid://shopify/Customer/", ""));
    const payload = (code?: string | null) => ({
      customer: shown(customer),
      customerPhoneNumber: shown(customer)?.defaultPhoneNumber,
      userErrors: code === undefined ? [] : [{ code, field: ["input"], message: `for ${customer?.email}` }],
    });
    if (customer === undefined) return payload(channel === "sms_marketing" ? null : "INVALID");
    const choice = consent as Record<string, string>;
    const [state, level, at] =
      channel === "whatsapp_marketing"
        ? [choice["state"], choice["optInLevel"], choice["updatedAt"]]
        : [choice["marketingState"], choice["marketingOptInLevel"], choice["consentUpdatedAt"]];
    if (state !== "SUBSCRIBED" && state !== "UNSUBSCRIBED" && state !== "PENDING") return payload("INVALID");
    if (state === "SUBSCRIBED" && level === undefined) return payload("MISSING_ARGUMENT");
    if (at !== undefined && Date.parse(at) > Date.now()) return payload("INVALID");
    const address = channel === "email_marketing" ? customer.email : customer.phone;
    if (address === null) return payload(channel === "email_marketing" ? undefined : "INVALID");
    const before = customer.choices[channel];
    change(customer, channel, { state, level: level ?? before.level, at: toSecond(at ?? Date.now()) });
    return payload();
  }

  function byIdentifier(argument: unknown): Customer | undefined {
    const [[kind, value] = [], ...more] = Object.entries(argument as Record<string, string>);
    if (kind === undefined || value === undefined || more.length > 0) throw new TypeError("INVALID_VARIABLE");
    const all = [...people.values()];
    if (kind === "emailAddress") return all.find(({ email }) => email === value.toLowerCase());
    if (kind === "phoneNumber") return all.find(({ phone }) => phone === value);
    return people.get(value.replace("gid://shopify/Customer/", ""));
  }

  function run(body: string): unknown {
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    if (missing !== undefined) return throttled(missing);
    const operation = readOperation(query);
    if (operation === undefined) return { errors: [{ message: "syntax error" }] };
    const one = (field: Field) => {
      const channel = MUTATIONS[field.name];
      const types = channel
        ? { input: `Customer${NAMES[channel].type}MarketingConsentUpdateInput!` }
        : (TYPES[field.name] ?? {});
      for (const [argument, type] of Object.entries(types))
        if (operation.declared[field.variables[argument] ?? ""] !== type)
          throw new TypeError("variableMismatch");
      const found = answer(field.name, given(field, variables));
      return [field.key, select(found, field.fields, variables)];
    };
    try {
      return { data: Object.fromEntries(operation.fields.map(one)), extensions: { cost: cost(0) } };
    } catch (error) {
      if (error instanceof UnknownField) return refused("undefinedField", error.message);
      if (error instanceof TypeError) return refused(error.message, body);
      throw error;
    }
  }

  return {
    connector: "shopify",
    account: shop,
    credentials: options.app ? { shop, ...clientOf(options.app) } : { shop, accessToken },
    serves: (host) => host === shop,
    async handle(request) {
      const { method, url, headers } = request;
      const body = await request.text();
      requests.push({ method, url, headers: Object.fromEntries(headers), body });
      if (fault === "cut") return Response.error();
      if (fault !== undefined)
        return Response.json(
          { errors: `refused: ${body}` },
          { status: fault.status, headers: fault.retryAfter ? { "retry-after": fault.retryAfter } : {} },
        );
      if (app !== undefined && method === "POST" && new URL(url).pathname === "/admin/oauth/access_token")
        return app.grant(headers.get("content-type"), body);
      const token = headers.get("x-shopify-access-token");
      if (app === undefined ? token !== accessToken : !app.accepts(token))
        return Response.json({ errors: "[API] Invalid API key or access token" }, { status: 401 });
      const known = /^\/admin\/api\/\d{4}-\d{2}\/graphql\.json$/.test(new URL(url).pathname);
      if (method !== "POST" || !known) return Response.json({ errors: "Not Found" }, { status: 404 });
      return Response.json(run(body));
    },
    requests,
    outbox,
    fail(next) {
      fault = next;
    },
    throttle(points) {
      missing = points;
    },
    revoke: () => app?.revoke(),
    uninstall: () => app?.uninstall(),
    add: ({ email, phone, held }) => know(email.toLowerCase(), phone ?? null, held),
    addByPhone: (phone) => know(null, phone),
    hold(id, purpose, state) {
      const customer = people.get(id);
      if (customer !== undefined) customer.choices[purpose].state = state;
    },
    has(id) {
      const { email, phone, firstName } = people.get(id) ?? {};
      return [email, phone, firstName].some((one) => one != null);
    },
    finish: () => people.forEach(erase),
    order(id, { daysAgo = 0, ...order } = {}) {
      const createdAt = toSecond(Date.now() - daysAgo * 86_400_000);
      people.get(id)?.orders.push({ id: String(nextId++), createdAt, lines: 1, ...order });
    },
    customer: (id) => people.get(id),
    state(id, purpose) {
      const customer = people.get(id);
      return customer && purpose in NAMES ? MEANINGS[customer.choices[purpose as Channel].state] : undefined;
    },
    choose(id, purpose: ConsentPurpose, state) {
      const customer = people.get(id);
      if (customer === undefined || !(purpose in NAMES)) throw new Error("nobody, or nothing, to choose");
      const { level } = customer.choices[purpose as Channel];
      change(customer, purpose as Channel, { state: WORDS[state], level, at: toSecond(Date.now()) });
    },
  };
}

const clientOf = ({ clientId, clientSecret }: ShopifyApp) => ({ clientId, clientSecret });

const refused = (code: string, message: string) => ({ errors: [{ message, extensions: { code } }] });

const cost = (lacking: number) => {
  const { requestedQueryCost, ...bucket } = COST;
  const currentlyAvailable = requestedQueryCost - lacking;
  return { requestedQueryCost, actualQueryCost: null, throttleStatus: { ...bucket, currentlyAvailable } };
};

const throttled = (lacking: number) => ({
  ...{ ...refused("THROTTLED", "Throttled"), extensions: { cost: cost(lacking) } },
});
