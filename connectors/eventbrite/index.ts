import { z } from "zod";
import {
  activity,
  bearer,
  defineConnector,
  type EventHandler,
  type Extractor,
  field,
  on,
  subject,
  thin,
  urlSecret,
} from "#kit";
import { attendee, attendeePointer, order, orderPointer } from "./payloads.ts";

const ORDERS = {
  purpose: "order_fulfilment",
  lawfulBasis: "contract",
  dataCategories: ["name", "email_address", "purchase_history", "payment"],
} as const;
const ATTENDANCE = {
  purpose: "event_management",
  lawfulBasis: "contract",
  dataCategories: ["name", "email_address", "telephone_number", "postal_address", "attendance"],
} as const;

export default defineConnector({
  id: "eventbrite",
  name: "Eventbrite",
  documentation: "https://www.eventbrite.com/platform/docs/webhooks",
  credentials: z.object({ privateToken: z.string().min(1) }),
  api: { base: () => "https://www.eventbriteapi.com/v3/", auth: bearer("privateToken") },

  webhook: {
    signature: urlSecret(),
    body: "json",
    id: { parts: [everyRequest()], repeatsUnknown: true },
    topic: field("config.action"),
    account: field("config.user_id"),
  },

  activities: {
    "order.placed": ORDERS,
    "order.updated": ORDERS,
    "order.refunded": ORDERS,
    "attendee.updated": ATTENDANCE,
    "attendee.checked_in": ATTENDANCE,
    "attendee.checked_out": ATTENDANCE,
  },

  events: {
    "order.placed": ofOrder("order.placed", ({ created }) => created),
    "order.updated": ofOrder("order.updated"),
    "order.refunded": ofOrder("order.refunded"),
    "attendee.updated": ofAttendee("attendee.updated"),
    "attendee.checked_in": ofAttendee("attendee.checked_in"),
    "attendee.checked_out": ofAttendee("attendee.checked_out"),
    // What is checked in and out goes by these names in requests and in the API, and by those above in the documentation.
    "barcode.checked_in": ofAttendee("attendee.checked_in"),
    "barcode.un_checked_in": ofAttendee("attendee.checked_out"),
    // The button in the settings; it points to nothing.
    test: on(z.object({}), () => []),
  },
});

/**
 * Nothing in a request tells it from another: two updates of one order are the same bytes, and the delivery header is
 * the webhook's id. To take the second for a repeat would lose it, and with it perhaps a changed address. So each
 * request is one of its own; one that Eventbrite sends again is recorded again, with the same time.
 */
function everyRequest(): Extractor {
  return () => crypto.randomUUID();
}

type Order = z.output<typeof order>;

function ofOrder<const Activity extends string>(
  name: Activity,
  happened: (order: Order) => Order["changed"] = ({ changed }) => changed,
): EventHandler<Activity> {
  return thin(orderPointer, {
    get: ({ api_url }, api) => api.get(api_url.url),
    schema: order,
    records: (bought) => [
      subject({ email: bought.email, objects: [`order:${bought.id}`] }),
      activity(name, { occurredAt: happened(bought) }),
    ],
    otherwise: ({ api_url }) => [subject({ objects: [`order:${api_url.id}`] }), activity(name)],
  });
}

/**
 * A ticket can change hands and keeps its number: the same attendee is then another person. So who has an address is
 * known by it, and the number only finds whom nothing else names.
 */
function ofAttendee<const Activity extends string>(name: Activity): EventHandler<Activity> {
  return thin(attendeePointer, {
    get: ({ api_url }, api) => api.get(api_url.url),
    schema: attendee,
    records: ({ id, profile, changed }) => [
      subject({
        email: profile?.email,
        phone: profile?.cell_phone,
        region: profile?.addresses?.home?.country,
        platformId: profile?.email ? undefined : id,
        objects: [`attendee:${id}`],
      }),
      activity(name, { occurredAt: changed }),
    ],
    otherwise: ({ api_url }) => [subject({ platformId: api_url.id }), activity(name)],
  });
}
