import { z } from "zod";
import { type CollectedSet, collected, type DataCategory, platformFault } from "#kit";
import type { CustomerIo } from "./api.ts";
import { read } from "./look-up.ts";

const PERSON: readonly DataCategory[] = [
  ...(["name", "email_address", "telephone_number", "postal_address", "customer_id"] as const),
  ...(["preferences", "location", "language", "usage"] as const),
];

/** Everything that the App API gives of a person: attributes, devices, segments, activities and messages. */
export async function collect(customerIo: () => CustomerIo, cioId: string): Promise<CollectedSet[]> {
  const ask: Ask = async (asked) => {
    const answer = await customerIo().read(asked);
    // They were there a moment ago: what there was of them is not nothing.
    if (answer === undefined) throw platformFault(404);
    return answer;
  };
  const { customer } = read(Customer, await ask((app, by) => app.getAttributes(cioId, by.CioId)));
  const { devices, ...person } = customer;
  const { segments } = read(Segments, await ask((app, by) => app.getCustomerSegments(cioId, by.CioId)));
  const since = customer.timestamps?.cio_id;
  const activities = await activitiesOf(ask, cioId, since);
  const messages = await messagesOf(ask, cioId, since);
  return [
    collected("attributes", PERSON, [person]),
    collected("devices", ["device"], devices ?? []),
    collected("segments", ["preferences"], segments ?? []),
    collected("activities", ["usage", "communication", "purchase_history"], activities.records, activities),
    collected("messages", ["communication"], messages.records, messages),
  ];
}

type Ask = (asked: Parameters<CustomerIo["read"]>[0]) => Promise<unknown>;

const records = z.array(z.unknown()).nullish();
const Segments = z.object({ segments: records });
/** https://docs.customer.io/integrations/api/app/tag/customers/getPersonAttributes/ */
const Customer = z.object({
  customer: z.looseObject({
    attributes: z.record(z.string(), z.unknown()),
    /** Epoch seconds at which attributes were set; Customer.io's own id when the person was made. */
    timestamps: z.looseObject({ cio_id: z.int().positive().optional().catch(undefined) }).nullish(),
    devices: records,
  }),
});

/** The most that an answer holds. */
const PAGE = 100;
/** Records of one sort, for which there is room in memory. */
const MOST = 10_000;
const DAY = 86_400;

interface Paged {
  readonly records: unknown[];
  readonly incomplete: boolean;
}

/** Older ones than of 30 days are there by chance (https://docs.customer.io/integrations/api/app/tag/customers/getPersonActivities/). */
async function activitiesOf(ask: Ask, cioId: string, since: number | undefined): Promise<Paged> {
  const { records, incomplete } = await paged("activities", MOST, (start) =>
    ask((app, by) => app.getCustomerActivities(cioId, { idType: by.CioId, limit: PAGE, ...start })),
  );
  const older = since === undefined || since < now() - 30 * DAY;
  return { records, incomplete: incomplete || older };
}

/** The API gives half a year at once (https://docs.customer.io/integrations/api/app/tag/customers/getPersonMessages/). */
const HALF_YEAR = 180 * DAY;
/** How far it is looked back: five years. */
const MOST_HALF_YEARS = 10;

/** Back to when the person was made there, half a year at a time. */
async function messagesOf(ask: Ask, cioId: string, since: number | undefined): Promise<Paged> {
  const messages: unknown[] = [];
  let end = now();
  for (let n = 0; n < MOST_HALF_YEARS; n++) {
    const window = { start_ts: end - HALF_YEAR, end_ts: end };
    const { records, incomplete } = await paged("messages", MOST - messages.length, (start) =>
      ask((app, by) =>
        app.getCustomerMessages(cioId, { idType: by.CioId, limit: PAGE, ...window, ...start }),
      ),
    );
    messages.push(...records);
    if (incomplete) return { records: messages, incomplete };
    end = window.start_ts - 1;
    if (since !== undefined && end < since) return { records: messages, incomplete: false };
  }
  return { records: messages, incomplete: true };
}

const Page = z.looseObject({ next: z.string().nullish() });

/** Page after page, as long as there is room for `most`. */
async function paged(
  title: string,
  most: number,
  ask: (start: { readonly start?: string }) => Promise<unknown>,
): Promise<Paged> {
  const all: unknown[] = [];
  let next: string | undefined;
  do {
    const answer = read(Page, await ask(next === undefined ? {} : { start: next }));
    all.push(...(read(records, answer[title]) ?? []));
    next = answer.next || undefined;
  } while (next !== undefined && all.length < most);
  return { records: all, incomplete: next !== undefined };
}

const now = () => Math.floor(Date.now() / 1_000);
