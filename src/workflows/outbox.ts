import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import { type EventData, type EventName, events } from "#schemas";

export type Announcement = { [N in EventName]: { readonly name: N; readonly data: EventData<N> } }[EventName];

/** Writes workflow events in the transaction of what they announce: both happen, or neither. */
export async function announce(
  { sql, controllerId }: ControllerTransaction,
  announcements: readonly Announcement[],
): Promise<void> {
  if (announcements.length === 0) return;
  // Parsed once more by the strict schema: nothing but ids and enums may go where runtimes keep it in the clear.
  const data = announcements.map((event) => JSON.stringify(events[event.name].parse(event.data)));
  await sql`insert into runtime_event (controller_id, id, name, data)
    select ${controllerId}::uuid, id, name, data::jsonb
    from unnest(${announcements.map(() => uuid())}::text[], ${announcements.map(({ name }) => name)}::text[], ${data}::text[]) as t(id, name, data)`;
}
