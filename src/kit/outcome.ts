import { LetheError } from "#schemas";
import { platformErrors } from "./api/errors.ts";
import type { PlatformApi } from "./api/index.ts";
import type { Connector } from "./connector.ts";
import { doorsOf } from "./connector.ts";
import type { Expectation, Fixture, Outcome } from "./fixtures.ts";
import { eventsOf, fetchObject, interpret, isThin, type ReceivedEvent } from "./interpret.ts";
import { type Expected, receive } from "./receive.ts";
import type { PersonalRecord } from "./records.ts";
import type { WebhookRequest } from "./request.ts";

/**
 * What comes of a request, in the words of a fixture: for comparing with it, never for storing, because it holds
 * what records know of a person. A request that is refused is an error of its reason. `now` in milliseconds.
 */
export async function outcomeOf(
  connector: Connector,
  request: WebhookRequest,
  expected: Expected,
  options: { now: number; answers?: Fixture["answers"] },
): Promise<Expectation> {
  const received = receive(connector, request, expected, options.now);
  if (received.kind === "handshake" || received.kind === "ping") return { outcome: received.kind };
  if (received.kind === "method_not_allowed") return { error: received.kind };
  if (received.kind === "refused") return { error: received.reason };
  const { topic, account, door } = received.about;
  const facts = present({ topic, account });
  try {
    const events = eventsOf(connector, request.body, received.about);
    const outcomes = await Promise.all(events.map((event) => outcomeOfEvent(connector, event, options)));
    if (doorsOf(connector)[door]?.events !== undefined) return { events: outcomes };
    return outcomes[0] ?? facts;
  } catch (error) {
    return { ...facts, error: codeOf(error) };
  }
}

async function outcomeOfEvent(
  connector: Connector,
  event: ReceivedEvent,
  { now, answers }: { now: number; answers?: Fixture["answers"] },
): Promise<Outcome> {
  const facts = present({ topic: event.topic, account: event.account });
  try {
    const object =
      answers !== undefined && answers.size > 0 && isThin(connector, event)
        ? await fetchObject(connector, event, answering(answers))
        : undefined;
    const records = interpret(connector, event, new Date(now).toISOString(), object);
    return records === undefined
      ? { ...facts, outcome: "ignored" }
      : { ...facts, records: summarise(records) };
  } catch (error) {
    return { ...facts, error: codeOf(error) };
  }
}

/** The platform's API as a fixture tells it: 404 for what it does not mention. */
export function answering(answers: Fixture["answers"]): PlatformApi {
  const origins = new Set([...answers.keys()].map((url) => new URL(url).origin));
  return {
    get: async (address) => {
      const [base = ""] = origins;
      const url = new URL(address, base);
      if (!origins.has(url.origin)) throw platformErrors.foreignHost();
      return answers.get(url.href);
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof LetheError ? error.code : "internal/unexpected";
}

export type RecordSummary = Readonly<Record<string, unknown>>;

/** Records as plain values, personal ones revealed: for comparing with a fixture, never for storing. */
export function summarise(records: readonly PersonalRecord[]): RecordSummary[] {
  return records.map((record) => {
    switch (record.type) {
      case "subject":
        return present({
          type: "subject",
          email: record.emails.map((value) => value.reveal()),
          phone: record.phones.map((value) => value.reveal()),
          platformId: record.platformIds.map((value) => value.reveal()),
          objects: record.objects.map((value) => value.reveal()),
          region: record.region,
        });
      case "rights":
        return present({ ...record, details: JSON.parse(record.details.reveal()) });
      default:
        return present({ ...record });
    }
  });
}

function present(fields: Record<string, unknown>): RecordSummary {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
