import { eventsOf, interpret, type RecordSummary, receive, summarise, webhookRequest } from "#kit";
import { build } from "./build.ts";

/** A part of a mapping to try, where only the parts of topics that matter are given. */
interface Change {
  readonly topics?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  readonly [field: string]: unknown;
}

/** The smallest mapping, changed. */
export function given(change: Change): object {
  const { topics = { a: {} } } = change;
  const topic = (name: string, parts: object) => ({
    subject: { email: "$.email" },
    ...parts,
    activity: {
      ...{ name: `${name.toLowerCase()}.seen`, purpose: "customer_management", lawfulBasis: "contract" },
      ...{ dataCategories: ["email_address"] },
      ...("activity" in parts && typeof parts.activity === "object" ? parts.activity : {}),
    },
  });
  const mapping: Record<string, unknown> = {
    ...{ name: "Acme", signature: { scheme: "url-secret" }, id: "$.id", topic: "$.type" },
    ...change,
    topics: Object.fromEntries(Object.entries(topics).map(([name, parts]) => [name, topic(name, parts)])),
  };
  for (const [field, value] of Object.entries(change)) if (value === undefined) delete mapping[field];
  return mapping;
}

/** Why a mapping is refused; nothing if it is not. */
export function refusal(change: unknown, how: "changed" | "as it is" = "changed"): string {
  try {
    build(how === "changed" ? given(change as Change) : change);
    return "";
  } catch (error) {
    const { code, message } = coded(error);
    if (code !== "connector/bad-configuration") throw error;
    return message.replace("the configuration is refused: ", "");
  }
}

type Outcome = string | readonly RecordSummary[] | undefined;

/** What comes of a body: of each event its records, or why it failed; or why none could be read. */
export function outcome(change: Change, body: unknown): Outcome | Outcome[] {
  const connector = build(given(change));
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const request = webhookRequest({ url: "/?secret=s", body: text });
  const received = receive(connector, request, { secrets: ["s"], account: "acme" }, 0);
  if (received.kind !== "delivery") throw new Error(received.kind);
  return said(() => {
    const events = eventsOf(connector, request.body, received.about).map((event) =>
      said(() => {
        const records = interpret(connector, event, "2026-11-20T08:00:00.000Z");
        return records && summarise(records);
      }),
    );
    return change["events"] === undefined ? events[0] : events;
  });
}

function said<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    const { code, message } = coded(error);
    return `${code}: ${message}`;
  }
}

/** One of the kit's errors; whatever else it is, is thrown on. */
function coded(error: unknown): { code: unknown; message: string } {
  if (error instanceof Error && error.name === "LetheError" && "code" in error)
    return { code: error.code, message: error.message };
  throw error;
}
