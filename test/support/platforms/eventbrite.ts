import { json, reception } from "./reception.ts";
import type { SimulatedApi, SimulatedRequest } from "./simulated.ts";

interface Order {
  readonly id: string;
  readonly organization: string;
  readonly email: string;
}

interface Attendee {
  readonly id: string;
  readonly organization: string;
  readonly order: string;
  /** Empty where buyers are asked for nobody's address but their own. */
  readonly email: string;
}

export interface SimulatedEventbrite extends SimulatedApi {
  /** Somebody orders tickets; the attendees' ids, one for each address (empty for none). */
  order(email: string, attendees?: readonly string[], organization?: string): string[];
  organization(): string;
}

/** Records on a page, and so what a continuation counts. */
const PAGE = 50;

/**
 * An organizer's account, as https://www.eventbrite.com/platform/api tells it. It reads: there is nothing in it that deletes
 * a person, so that `has` stays true.
 */
export function simulateEventbrite(options: { privateToken?: string } = {}): SimulatedEventbrite {
  const { privateToken = "t0ken-of-eventbrite" } = options;
  const organizations: string[] = [];
  const orders: Order[] = [];
  const attendees: Attendee[] = [];
  let last = 1_000;
  const next = () => String(++last);

  function answer({ method, url, headers }: SimulatedRequest): Response {
    const { pathname, searchParams } = new URL(url);
    if (headers["authorization"] !== `Bearer ${privateToken}`)
      return failed(401, "INVALID_AUTH", "The OAuth token you provided was invalid.");
    if (method !== "GET") return failed(405, "METHOD_NOT_ALLOWED", "The requested method is not allowed.");
    if (pathname === "/v3/users/me/organizations/")
      return page(
        "organizations",
        organizations.map((id) => ({ id, name: "Nights" })),
        searchParams,
      );
    const [, id, kind] = /^\/v3\/organizations\/(\d+)\/(orders|attendees)\/$/.exec(pathname) ?? [];
    if (id === undefined || !organizations.includes(id))
      return failed(404, "NOT_FOUND", "The organization you requested does not exist.");
    if (kind === "attendees")
      return page("attendees", attendees.filter((one) => one.organization === id).map(ticket), searchParams);
    const only = searchParams.get("only_emails")?.split(",");
    const [all, status] = [orders.filter((one) => one.organization === id), searchParams.get("status")];
    if (status !== null && !["active", "inactive", "both", "all_not_deleted"].includes(status))
      return failed(400, "ARGUMENTS_ERROR", `There are errors with your arguments: status - ${status}`);
    return page(
      "orders",
      all.filter(({ email }) => only?.includes(email.toLowerCase()) ?? true).map(bought),
      searchParams,
    );
  }

  const own = () => organizations[0] ?? organization();
  function organization(): string {
    const id = next();
    organizations.push(id);
    return id;
  }

  function order(email: string, of: readonly string[] = [email], organization = own()): string[] {
    const id = next();
    orders.push({ id, organization, email });
    return of.map((address) => {
      const number = next();
      attendees.push({ id: number, organization, order: id, email: address });
      return number;
    });
  }

  return {
    connector: "eventbrite",
    account: "12345",
    credentials: { privateToken },
    serves: (host) => host === "www.eventbriteapi.com",
    ...reception(answer),
    organization,
    order,
    add: ({ email }) => order(email)[0] ?? "",
    has: (id) => attendees.some((one) => one.id === id),
  };
}

const bought = ({ id, email }: Order) => ({
  ...{ id, email, name: "Carla Canary", status: "placed", created: "2026-10-31T12:30:00Z" },
  ...{
    costs: { gross: { display: "€12.30" } },
    resource_uri: `https://www.eventbriteapi.com/v3/orders/${id}/`,
  },
});

const ticket = ({ id, order, email }: Attendee) => ({
  ...{ id, order_id: order, checked_in: false, answers: [{ question: "Diet?", answer: "None" }] },
  ...{ profile: { name: "Carla Canary", ...(email !== "" && { email }) }, barcodes: [{ barcode: "123" }] },
  resource_uri: `https://www.eventbriteapi.com/v3/events/1/attendees/${id}/`,
});

/** https://www.eventbrite.com/platform/api#/introduction/paginated-responses : by continuation, which means something to Eventbrite alone. */
function page(name: string, records: readonly object[], query: URLSearchParams): Response {
  const at = Number(atob(query.get("continuation") ?? btoa("0")));
  const more = at + PAGE < records.length;
  return json({
    pagination: {
      ...{ object_count: records.length, page_number: at / PAGE + 1, page_size: PAGE, has_more_items: more },
      ...(more && { continuation: btoa(String(at + PAGE)) }),
    },
    [name]: records.slice(at, at + PAGE),
  });
}

const failed = (status_code: number, error: string, error_description: string) =>
  json({ status_code, error, error_description }, { status: status_code });
