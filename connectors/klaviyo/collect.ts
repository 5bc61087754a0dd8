import type { EventsApi } from "klaviyo-api";
import { z } from "zod";
import { type CollectedSet, collected, type DataCategory, platformFault } from "#kit";
import type { Klaviyo } from "./api.ts";
import { read } from "./look-up.ts";
import type { Profile } from "./rights.ts";

const PROFILE: readonly DataCategory[] = [
  ...(["name", "email_address", "telephone_number", "postal_address", "customer_id"] as const),
  ...(["preferences", "location", "language", "occupation", "usage", "ip_address"] as const),
];
const EVENT: readonly DataCategory[] = ["communication", "usage", "purchase_history", "preferences"];

/** Everything of a profile: itself, its lists and segments, its push tokens, and its events. */
export async function collect(klaviyo: () => Klaviyo, { id, attributes }: Profile): Promise<CollectedSet[]> {
  const lists = await klaviyo().read((api) => api.getListsForProfile(id));
  const segments = await klaviyo().read((api) =>
    // How the company chooses whom it counts to a segment is its own.
    api.getSegmentsForProfile(id, { fieldsSegment: ["name", "created", "updated"] }),
  );
  const tokens = await klaviyo().read((api) => api.getPushTokensForProfile(id));
  const { events, incomplete } = await eventsOf(klaviyo, id);
  return [
    collected("profile", PROFILE, [{ id, ...attributes }]),
    collected("lists", ["preferences"], resources(lists)),
    collected("segments", ["preferences"], resources(segments)),
    collected("push tokens", ["device"], resources(tokens)),
    collected("events", EVENT, events, { incomplete }),
  ];
}

/** JSON:API (https://developers.klaviyo.com/en/reference/api_overview), without its links. */
const Resource = z.object({ id: z.string(), attributes: z.record(z.string(), z.unknown()) });
const Resources = z.object({ data: z.array(Resource) });

/** The profile was there a moment ago: if it has no lists any more, that is no answer. */
const resources = (answer: unknown) =>
  read(Resources, found(answer)).data.map(({ id, attributes }) => ({ id, ...attributes }));

function found(answer: unknown): unknown {
  if (answer === undefined) throw platformFault(404);
  return answer;
}

/** https://developers.klaviyo.com/en/reference/get_events : the newest first, with the name of what happened. */
const Events = z.object({
  data: z.array(
    Resource.extend({
      relationships: z.object({ metric: z.object({ data: z.object({ id: z.string() }) }) }).optional(),
    }),
  ),
  included: z.array(z.object({ id: z.string(), attributes: z.object({ name: z.string() }) })).default([]),
  links: z.object({ next: z.string().nullish() }),
});

const PAGE = 200;
/** Events, for which there is room in memory. */
const MOST = 10_000;

async function eventsOf(klaviyo: () => Klaviyo, id: string) {
  const filter = `equals(profile_id,${JSON.stringify(id)})`;
  const events: unknown[] = [];
  let pageCursor: string | undefined;
  do {
    const asked: Parameters<EventsApi["getEvents"]>[0] = {
      ...{ filter, include: ["metric"], pageSize: PAGE, sort: "-datetime" },
      ...(pageCursor !== undefined && { pageCursor }),
    };
    const answer = await klaviyo().read((_, others) => others.events.getEvents(asked));
    const { data, included, links } = read(Events, found(answer));
    const metrics = new Map(included.map((metric) => [metric.id, metric.attributes.name]));
    for (const { id: event, attributes, relationships } of data)
      events.push({ id: event, metric: metrics.get(relationships?.metric.data.id ?? ""), ...attributes });
    pageCursor = cursorOf(links.next);
  } while (pageCursor !== undefined && events.length < MOST);
  return { events, incomplete: pageCursor !== undefined };
}

/** Only the cursor is taken from the link: where it points to is not asked. */
const cursorOf = (link: string | null | undefined) =>
  URL.parse(link ?? "")?.searchParams.get("page[cursor]") ?? undefined;
