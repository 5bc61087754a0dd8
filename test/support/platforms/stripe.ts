import { parse } from "qs";
import type { Fault, SimulatedApi, SimulatedRequest } from "./simulated.ts";
import { type Job, simulateJobs } from "./stripe-jobs.ts";

export interface SimulatedStripe extends SimulatedApi {
  /** Somebody pays; days ago, or now. Resolves to the charge's id. */
  pay(customer: string, daysAgo?: number): string;
  /** An object of another sort that hangs on a customer, such as of `invoices`. */
  attach(customer: string, sort: string, object?: object): void;
  /** An invoice that is open stands in the way of a redaction, even where what can be is mended. */
  obstruct(customer: string): void;
  /** What there is of a customer, as the API gives it. */
  customer(id: string): Readonly<Record<string, unknown>> | undefined;
  readonly jobs: readonly Job[];
}

const SORTS = ["charges", "payment_intents", "payment_methods", "invoices", "subscriptions"];
const LISTS = [...SORTS, "checkout/sessions"];
const DAY = 86_400;

type Thing = Record<string, unknown> & { id: string; created: number; customer: string };

/**
 * Stripe's API (https://docs.stripe.com/api): customers and what hangs on them, and redaction jobs, which an account may
 * not have.
 */
export function simulateStripe(
  options: { apiKey?: string; account?: string; redaction?: boolean; search?: boolean } = {},
): SimulatedStripe {
  const { apiKey = "rk_live_s3cret", account, redaction = true, search = true } = options;
  const customers = new Map<string, Record<string, unknown>>();
  const things: (Thing & { sort: string })[] = [];
  const obstructed = new Set<string>();
  const requests: SimulatedRequest[] = [];
  let fault: Fault | undefined;
  let made = 0;

  const now = () => Math.floor(Date.now() / 1_000);
  const gone = (id: string) => customers.get(id)?.["deleted"] === true;
  const jobs = simulateJobs(
    (id) => !obstructed.has(id),
    (id) => {
      const customer = customers.get(id);
      for (const field of ["name", "email", "phone", "address"])
        if (customer?.[field]) customer[field] = "[redacted]";
    },
  );

  function attach(customer: string, sort: string, object: object = {}): string {
    const id = `${sort.slice(0, 2)}_${++made}`;
    things.push({ ...{ id, object: sort, created: now(), customer }, ...object, sort });
    return id;
  }

  /** A page, the latest first. */
  function list(all: readonly { id: string }[], url: URL): Response {
    const latest = all.toReversed();
    const after = url.searchParams.get("starting_after");
    const limit = Number(url.searchParams.get("limit") ?? 10);
    const from = after === null ? 0 : latest.findIndex(({ id }) => id === after) + 1;
    if (limit > 100) return refused(400, "parameter_invalid_integer");
    const data = latest.slice(from, from + limit);
    return Response.json({ object: "list", data, has_more: latest.length > from + limit });
  }

  function find(url: URL, sought: (email: unknown) => boolean): Response {
    const found = [...customers.values()].filter(({ id, email }) => !gone(String(id)) && sought(email));
    return list(found as { id: string }[], url);
  }

  function answer(method: string, url: URL, body: string): Response {
    const [first = "", second = "", third = "", ...rest] = url.pathname.replace("/v1/", "").split("/");
    if (first === "privacy" && redaction) return redactions(method, url, third, rest[0], body);
    const sort = LISTS.find((one) => `/v1/${one}` === url.pathname);
    if (sort !== undefined && method === "GET") {
      const { searchParams } = url;
      const id = searchParams.get("customer") ?? "";
      if (!customers.has(id)) return refused(400, "resource_missing");
      const since = Number(searchParams.get("created[gt]") ?? 0);
      const ended = searchParams.get("status") === "all";
      const theirs = things.filter(
        (one) =>
          one.sort === sort && one.customer === id && one.created > since && (ended || !one["ended_at"]),
      );
      return list(
        theirs.map(({ sort: _, ...one }) => one),
        url,
      );
    }
    if (first !== "customers") return refused(404); // an address that there is not has no code
    if (second === "") return find(url, (email) => email === url.searchParams.get("email"));
    if (second === "search") {
      const [, query] = /^email:"(.*)"$/.exec(url.searchParams.get("query") ?? "") ?? [];
      if (!search) return refused(404);
      return find(url, (email) => String(email).toLowerCase() === query?.toLowerCase());
    }
    const customer = customers.get(second);
    if (customer === undefined || (gone(second) && method !== "GET")) return refused(404, "resource_missing");
    if (method === "DELETE") {
      customers.set(second, { id: second, object: "customer", deleted: true });
    } else if (method === "POST") {
      if (jobs.jobs.some(({ status, customers: some }) => status === "succeeded" && some.includes(second)))
        return refused(400, "resource_redacted");
      for (const [field, value] of Object.entries(parse(body)))
        customer[field] =
          typeof value === "object" ? { ...(customer[field] as object), ...unset(value) } : value;
    }
    return Response.json(customers.get(second));
  }

  function redactions(method: string, url: URL, id: string, action: string | undefined, body: string) {
    const { searchParams } = url;
    if (id === "" && method === "GET") {
      const withObjects = searchParams.getAll("expand[]").includes("data.objects");
      const after = searchParams.get("starting_after");
      return Response.json(jobs.list(after, Number(searchParams.get("limit") ?? 10), withObjects));
    }
    if (id === "") {
      const { objects } = parse(body) as { objects?: { customers?: string[] } };
      const wanted = objects?.customers ?? [];
      if (wanted.length === 0 || wanted.length > 10) return refused(400, "parameter_missing");
      if (!wanted.every((one) => customers.has(one))) return refused(404, "resource_missing");
      return Response.json(jobs.create(wanted));
    }
    const job = action === "run" ? jobs.run(id) : jobs.get(id);
    if (job !== undefined) return Response.json(job);
    return jobs.get(id) === undefined ? refused(404, "resource_missing") : refused(400);
  }

  return {
    connector: "stripe",
    account,
    credentials: { apiKey },
    serves: (host) => host === "api.stripe.com",
    async handle(request) {
      const { method, url, headers } = request;
      const body = await request.text();
      requests.push({ method, url, headers: Object.fromEntries(headers), body });
      if (fault === "cut") return Response.error();
      if (fault !== undefined) return refused(fault.status, undefined, fault.retryAfter);
      if (headers.get("authorization") !== `Bearer ${apiKey}`) return refused(401);
      if ((headers.get("stripe-account") ?? undefined) !== account) return refused(403, "account_invalid");
      return answer(method, new URL(url), body);
    },
    requests,
    fail(next) {
      fault = next;
    },
    add({ email, phone }) {
      const id = `cus_${String(++made).padStart(14, "N9a")}`;
      const name = "Carla Canary";
      customers.set(id, {
        ...{ id, object: "customer", created: now() - 400 * DAY, email, name, phone: phone ?? null },
        address: { ...unset({}), line1: "1 Canary Wharf", line2: "Flat 7", city: "London", country: "GB" },
      });
      return id;
    },
    has: (id) => customers.has(id) && !gone(id) && customers.get(id)?.["email"] !== "[redacted]",
    finish: jobs.finish,
    pay(customer, daysAgo = 0) {
      const created = now() - daysAgo * DAY;
      const { email, name } = customers.get(customer) ?? {};
      attach(customer, "payment_intents", { created, client_secret: "pi_s3cret" });
      return attach(customer, "charges", { created, amount: 1999, billing_details: { email, name } });
    },
    attach,
    obstruct: (customer) => obstructed.add(customer),
    customer: (id) => customers.get(id),
    jobs: jobs.jobs,
  };
}

/** Empty texts take a value away. */
const unset = (given: object) =>
  Object.fromEntries(
    Object.entries({ line1: "", line2: "", city: "", postal_code: "", state: "", country: "", ...given }).map(
      ([field, value]) => [field, value === "" ? null : value],
    ),
  );

/** https://docs.stripe.com/api/errors : the message quotes what was sent. */
const refused = (status: number, code?: string, retryAfter?: string) =>
  Response.json(
    { error: { type: "invalid_request_error", code, message: "No such customer: carla@canary.example" } },
    { status, headers: { "stripe-notice": "a notice", ...(retryAfter && { "retry-after": retryAfter }) } },
  );
