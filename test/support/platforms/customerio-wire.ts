import { z } from "zod";
import { json } from "./reception.ts";
import type { SimulatedWebhook } from "./simulated.ts";

export type Preferences = Record<"channels" | "topics", Record<string, boolean>>;
export type Change = Partial<Record<"channels" | "topics", Record<string, boolean>>>;

export interface Person {
  id: string;
  readonly cioId: string;
  readonly attributes: Record<string, string>;
  readonly devices: object[];
  preferences: Preferences | undefined;
  readonly timestamps: Record<string, number>;
  /** What there is of them beside themselves. Messages have `created`, in epoch seconds. */
  readonly records: { segments: object[]; activities: object[]; messages: { created: number; id: string }[] };
}

export const PreferencesGiven = z.object({
  channels: z.record(z.string(), z.boolean()).default({}),
  topics: z.record(z.string(), z.boolean()).default({}),
});

export const isTrue = (value: unknown) => /^(true|1)$/i.test(String(value));
export const seconds = () => Math.floor(Date.now() / 1_000);
export const failed = (status: number, error: string) => json({ meta: { error } }, { status });

export function customer({ id, attributes, preferences, devices, timestamps }: Person) {
  const text = JSON.stringify(preferences);
  return {
    id,
    attributes: { ...attributes, ...(text !== undefined && { cio_subscription_preferences: text }) },
    timestamps,
    unsubscribed: isTrue(attributes["unsubscribed"]),
    devices,
  };
}

let events = 0;

/** A reporting webhook about a person (https://docs.customer.io/integrations/api/webhooks). */
export function webhook(
  { id, cioId, attributes }: Person,
  metric: string,
  content?: object,
): SimulatedWebhook {
  events += 1;
  const email = attributes["email"] ?? null;
  return {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      event_id: `01KAGV9X4T6Q0R8ZC1WJ${String(events).padStart(6, "0")}`,
      object_type: "customer",
      metric,
      timestamp: seconds(),
      data: {
        identifiers: { id, email, cio_id: cioId },
        customer_id: id,
        email_address: email,
        ...(content !== undefined && { content: JSON.stringify(content) }),
      },
    }),
  };
}

/** A page of what there is, by a cursor (https://docs.customer.io/integrations/api/app/tag/customers/). */
export function page(title: string, all: readonly object[], query: URLSearchParams): Response {
  const [from, limit] = [Number(query.get("start") ?? 0), Math.min(Number(query.get("limit") ?? 50), 100)];
  const next = from + limit < all.length ? String(from + limit) : "";
  return json({ [title]: all.slice(from, from + limit), next });
}

/** Those of half a year at most, which ends when it is asked for or now. */
export function within<Message extends { readonly created: number }>(
  messages: readonly Message[],
  query: URLSearchParams,
): Message[] {
  const end = Number(query.get("end_ts") ?? seconds());
  const start = Math.max(Number(query.get("start_ts") ?? 0), end - 184 * 86_400);
  return messages.filter(({ created }) => created >= start && created <= end);
}
