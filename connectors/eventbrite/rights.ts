import {
  collected,
  type KnownPerson,
  optionalText,
  Personal,
  type PersonEntry,
  platformId,
  type RightsSection,
  z,
} from "#kit";
import { type List, openLists } from "./api.ts";

/** Orders and tickets can be read, and no more: the API neither deletes nor changes whom they are about. */
export const rightsSection: RightsSection = {
  can: ["access"],
  open: async (_credentials, _account, store) => {
    const list = openLists(store);
    return { find: (person) => find(list, person) };
  },
};

const organization = z.object({ id: z.string().regex(/^\d{1,20}$/) });

/** https://www.eventbrite.com/platform/api#/reference/order and https://www.eventbrite.com/platform/api#/reference/attendee */
const order = z.looseObject({ id: platformId, email: optionalText });
const attendee = z.looseObject({
  id: platformId,
  profile: z.looseObject({ email: optionalText }).nullish(),
});

/**
 * All orders of the person's addresses; and their tickets, for which all of an organization's are gone through, because
 * somebody else may have bought them and there is no filter. A ticket is theirs by its address, or by its number where it
 * has none.
 */
async function find(list: List, { platformIds, emails }: KnownPerson): Promise<readonly PersonEntry[]> {
  const addresses = new Set(emails.map((email) => email.reveal().trim().toLowerCase()));
  const numbers = new Set(platformIds.map((id) => id.reveal()));
  const [first] = [...addresses, ...numbers];
  if (first === undefined) return [];
  const isTheirs = (email: string | null | undefined) => addresses.has(email?.trim().toLowerCase() ?? "");

  const orders: z.output<typeof order>[] = [];
  const tickets: z.output<typeof attendee>[] = [];
  // Of organizations, too, there may be more than are gone through.
  const { records, incomplete } = await list("users/me/organizations/", "organizations", organization);
  const cut = { orders: incomplete, attendees: incomplete };
  for (const { id } of records) {
    if (addresses.size > 0) {
      const query = { only_emails: [...addresses].join(","), status: "both" };
      const found = await list(`organizations/${id}/orders/`, "orders", order, query);
      orders.push(...found.records.filter(({ email }) => isTheirs(email)));
      cut.orders ||= found.incomplete;
    }
    const found = await list(`organizations/${id}/attendees/`, "attendees", attendee);
    tickets.push(
      ...found.records.filter(({ id: number, profile }) =>
        profile?.email ? isTheirs(profile.email) : numbers.has(number),
      ),
    );
    cut.attendees ||= found.incomplete;
  }
  // Whoever was not found among those that were gone through may be among the others.
  if (orders.length + tickets.length === 0 && !cut.orders && !cut.attendees) return [];
  return [
    {
      id: new Personal(first),
      collect: async () => [
        collected("orders", ["name", "email_address", "purchase_history", "payment"], orders.map(ownOf), {
          incomplete: cut.orders,
        }),
        collected("attendees", [...PROFILE, "attendance", "opinion"], tickets.map(ownOf), {
          incomplete: cut.attendees,
        }),
      ],
    },
  ];
}

const PROFILE = ["name", "email_address", "telephone_number", "postal_address"] as const;

/** Without addresses of the API, which answer nobody but the company. */
const ownOf = (record: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => name !== "resource_uri"));
