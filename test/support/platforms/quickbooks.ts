import { json, reception } from "./reception.ts";
import type { SimulatedApi, SimulatedRequest } from "./simulated.ts";

type Fields = Record<string, unknown>;

export interface SimulatedQuickBooks extends SimulatedApi {
  /** Something is booked for a customer: `Invoice`, `Payment`, … Its id. */
  book(entity: string, customer: string, made: string): string;
  /** An object as it is, by its entity and id. */
  object(entity: string, id: string): Fields | undefined;
  put(entity: string, fields: Fields): string;
  /** Access tokens that it gave out are no good any more. */
  revoke(): void;
}

export interface QuickBooksOptions {
  readonly realm?: string;
  readonly environment?: "production" | "sandbox";
  /** What has been granted already, so that no token has to be asked for. */
  readonly accessToken?: string;
}

const CLIENT = { clientId: "ABc1", clientSecret: "s3cret/+" };
const HOSTS = { production: "quickbooks.api.intuit.com", sandbox: "sandbox-quickbooks.api.intuit.com" };
const OAUTH = "oauth.platform.intuit.com";
/** Those that can be made inactive, and are then left out of what is asked for without a word about it. */
const NAMES = ["Customer", "Vendor", "Employee"];

/**
 * A company's books, as https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer and
 * https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries tell it.
 * `has` is about customers: books are kept by law.
 */
export function simulateQuickBooks(options: QuickBooksOptions = {}): SimulatedQuickBooks {
  const { realm = "9341455012345678", environment = "production" } = options;
  const objects = new Map<string, Fields[]>();
  const tokens = new Set<string>(options.accessToken === undefined ? [] : [options.accessToken]);
  let issued = 1;
  let last = 57;

  const all = (entity: string) => objects.get(entity) ?? [];
  function put(entity: string, fields: Fields): string {
    const Id = String(++last);
    const active = NAMES.includes(entity) ? { Active: true } : {};
    objects.set(entity, [
      ...all(entity),
      { Id, SyncToken: "0", domain: "QBO", sparse: false, ...active, ...fields },
    ]);
    return Id;
  }

  function answer(request: SimulatedRequest): Response {
    const { pathname, searchParams } = new URL(request.url);
    const token = request.headers["authorization"]?.replace(/^Bearer /, "") ?? "";
    if (!tokens.has(token)) return fault(401, "3200", "message=AuthenticationFailed");
    const [, company, kind] = /^\/v3\/company\/(\d+)\/(\w+)$/.exec(pathname) ?? [];
    if (company !== realm) return fault(403, "3100", "ApplicationAuthorizationFailed");
    if (kind === "query" && request.method === "GET") return query(searchParams.get("query") ?? "");
    if (kind === "customer" && request.method === "POST") return update(request.body);
    return fault(400, "2500", "Invalid request");
  }

  /** Each refresh token gives one access token, and the next refresh token. */
  function grant({ body, headers }: SimulatedRequest): Response {
    const client = Object.values(CLIENT).map(encodeURIComponent).join(":");
    if (headers["authorization"] !== `Basic ${btoa(client)}`)
      return json({ error: "invalid_client" }, { status: 401 });
    if (new URLSearchParams(body).get("refresh_token") !== `refresh-${issued}`)
      return json({ error: "invalid_grant" }, { status: 400 });
    issued += 1;
    tokens.add(`access-${issued}`);
    const next = { access_token: `access-${issued}`, refresh_token: `refresh-${issued}` };
    return json({ token_type: "bearer", expires_in: 3_600, ...next });
  }

  function query(text: string): Response {
    const [, entity = "", where = "", by = "", order, start = "1", size = "100"] =
      /^select \* from (\w+) where (.+) orderby (\w+)( desc)? startposition (\d+) maxresults (\d+)$/.exec(
        text,
      ) ?? [];
    const conditions = conditionsOf(where);
    if (conditions === undefined || Number(size) > 1_000)
      return fault(400, "4000", `Error parsing query: QueryParserError: ${text}`);
    const active = !NAMES.includes(entity) || where.includes("Active in");
    const found = all(entity)
      .filter((one) => (active || one["Active"] !== false) && conditions.every((holds) => holds(one)))
      .sort((a, b) => compare(a[by], b[by]) * (order === undefined ? 1 : -1))
      .slice(Number(start) - 1, Number(start) - 1 + Number(size));
    const page = { [entity]: found, startPosition: Number(start), maxResults: found.length };
    return json({ QueryResponse: found.length === 0 ? {} : page, time: "2026-11-20T01:15:00.120-08:00" });
  }

  function update(body: string): Response {
    const { sparse, ...given } = JSON.parse(body) as Fields;
    const found = all("Customer").find(({ Id }) => Id === given["Id"]);
    if (found === undefined) return fault(400, "610", "Object Not Found");
    if (found["SyncToken"] !== given["SyncToken"]) return fault(400, "5010", "Stale Object Error");
    const name = given["DisplayName"] ?? found["DisplayName"];
    const taken = NAMES.flatMap(all).some((one) => one !== found && one["DisplayName"] === name);
    if (taken) return fault(400, "6240", `Duplicate Name Exists Error: ${name}`);
    const before = { ...found };
    // What is read-only stays; of the rest, a full update forgets what it is not told.
    if (sparse !== true)
      for (const field of Object.keys(found))
        if (!["Id", "Balance", "domain"].includes(field)) delete found[field];
    Object.assign(found, given, { SyncToken: String(Number(before["SyncToken"]) + 1), sparse: false });
    found["DisplayName"] = given["Active"] === false ? `${name} (deleted)` : name;
    for (const [field, value] of Object.entries(found)) if (value === "") delete found[field];
    return json({ Customer: found });
  }

  const door = reception(answer);
  /** Tokens are given by another service, which is well when the API is not. */
  async function handle(request: Request): Promise<Response> {
    const { method, url, headers } = request;
    if (new URL(url).host !== OAUTH) return door.handle(request);
    const asked = { method, url, headers: Object.fromEntries(headers), body: await request.text() };
    door.requests.push(asked);
    return grant(asked);
  }

  const numberOf = (place: string) => place.split("/").at(-1) ?? "";
  return {
    connector: "quickbooks",
    account: realm,
    credentials: {
      ...{ ...CLIENT, environment, refreshToken: "refresh-1" },
      ...(options.accessToken && {
        ...{ accessToken: options.accessToken, accessTokenExpires: Date.now() + 3_600_000 },
      }),
    },
    serves: (host) => host === HOSTS[environment] || host === OAUTH,
    ...door,
    handle,
    add({ email, phone }) {
      const id = put("Customer", {
        ...{ DisplayName: `Carla Canary ${last}`, GivenName: "Carla", FamilyName: "Canary" },
        ...{ PrimaryEmailAddr: { Address: email }, Notes: "prefers carla", Taxable: true, Balance: 0 },
        BillAddr: { Id: "95", Line1: "1 Old Road", Line2: "Flat 2", Line3: "c/o Tom", City: "Ottawa" },
        CurrencyRef: { value: "CAD", name: "Canadian Dollar" },
        ...(phone !== undefined && { PrimaryPhone: { FreeFormNumber: phone } }),
      });
      return `${realm}/customer/${id}`;
    },
    has(id) {
      const found = all("Customer").find(({ Id }) => Id === numberOf(id));
      return found !== undefined && /carla|canary|old road/i.test(JSON.stringify(found));
    },
    book: (entity, customer, TxnDate) =>
      put(entity, {
        TxnDate,
        CustomerRef: { value: numberOf(customer) },
        BillEmail: { Address: "carla@x.example" },
      }),
    object: (entity, id) => all(entity).find(({ Id }) => Id === numberOf(id)),
    put,
    revoke() {
      tokens.clear();
    },
  };
}

type Condition = (one: Fields) => boolean;

/** Conditions joined by `and`: there is no `or`. Text is quoted, and a backslash takes the next character as it is. */
function conditionsOf(where: string): Condition[] | undefined {
  const parts = where.match(/\w+ (?:=|like|in) (?:\([^)]*\)|'(?:\\.|[^'\\])*')/g) ?? [];
  if (parts.length === 0 || parts.join(" and ") !== where) return undefined;
  return parts.map((part): Condition => {
    const [, field = "", how, rest = ""] = /^(\w+) (=|like|in) (.*)$/s.exec(part) ?? [];
    const values = [...rest.matchAll(/'((?:\\.|[^'\\])*)'|(true|false)/g)].map(([, text, word]) =>
      (text ?? word ?? "").replace(/\\(.)/g, "$1").toLowerCase(),
    );
    const pattern = (values[0] ?? "").split("%").map((text) => text.replace(/[^\w]/g, "\\$&"));
    return (one) => {
      const held = textOf(one[field]).toLowerCase();
      return how === "like" ? new RegExp(`^${pattern.join(".*")}$`).test(held) : values.includes(held);
    };
  });
}

/** What is compared of a field that is an object: a reference's value, an address. */
function textOf(value: unknown): string {
  const { value: ref, Address } = Object(value) as { value?: unknown; Address?: unknown };
  return String(ref ?? Address ?? value ?? "");
}

const compare = (a: unknown, b: unknown) => String(a).localeCompare(String(b), "en", { numeric: true });

/** As Intuit answers, with what was asked for in the text. */
const fault = (status: number, code: string, Detail: string) =>
  json({ Fault: { Error: [{ Message: Detail, Detail, code }], type: "ValidationFault" } }, { status });
