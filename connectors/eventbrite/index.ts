import { z } from "zod";
import { activity, defineConnector, type EventHandler, field, on, subject, thin, urlSecret } from "#kit";
import { api, credentials } from "./api.ts";
import { attendee, attendeePointer, order, orderPointer } from "./payloads.ts";
import { rightsSection } from "./rights.ts";

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
  credentials,
  api,
  rights: rightsSection,

  webhook: {
    signature: urlSecret(),
    body: "json",
    // No request id, and the delivery header is the webhook's: two updates of one order are the same bytes.
    id: { parts: [field("config.action"), field("api_url")], withBody: true, pointer: true },
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

type Order = z.output<typeof order>;

function ofOrder<const Activity extends string>(
  name: Activity,
  happened: (order: Order) => Order["changed"] = ({ changed }) => changed,
): EventHandler<Activity> {
  return thin(orderPointer, {
    get: ({ api_url }, api) => api.get(api_url.url),
    schema: order,
    version: ({ changed }) => changed,
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
    version: ({ changed }) => changed,
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
    otherwise: ({ api_url }) => [subject({ objects: [`attendee:${api_url.id}`] }), activity(name)],
  });
}
