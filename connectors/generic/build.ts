import { type Connector, connectorErrors, defineConnector, type Extractor, header } from "#kit";
import { Mapping, type Source } from "./mapping.ts";
import { eventsAt } from "./path.ts";
import { handlerOf, textAt } from "./read.ts";
import { faultOfShape, faultsOf, words } from "./words.ts";

/** Makes a connector of a mapping. Throws `connector/bad-configuration` with every place at fault. */
export function build(configuration: unknown): Connector {
  const mapping = read(configuration);
  const { events, id = [], account, occurredAt, signature } = mapping;
  // Without an id, the time does: `check.ts` has seen to it that there is one where there are choices.
  const apart = id.length > 0 ? id : occurredAt === undefined ? [] : [occurredAt];
  const needed = {
    account: account !== undefined,
    tellingApart: apart.flatMap((source) => {
      if ("text" in source) return [source];
      return "body" in source && events === undefined ? [source.body] : [];
    }),
  };
  return defineConnector({
    id: "generic",
    name: mapping.name,
    documentation: "docs/connectors.md",
    webhook: {
      signature: signature.scheme,
      body: mapping.body ?? "json",
      ...(events && { events: (body) => eventsAt(events, body) }),
      id: { parts: id.map(extractorOf) },
      topic: extractorOf(mapping.topic),
      ...(account && { account: extractorOf(account) }),
      ...(occurredAt && { occurredAt: extractorOf(occurredAt) }),
    },
    activities: Object.fromEntries(
      Object.values(mapping.topics).map(({ activity: { name, ...declaration } }) => [name, declaration]),
    ),
    events: Object.fromEntries(
      Object.entries(mapping.topics).map(([name, topic]) => [name, handlerOf(topic, needed)]),
    ),
  });
}

function read(configuration: unknown): Mapping {
  const unreadable = faultOfShape(configuration);
  if (unreadable !== undefined) throw connectorErrors.badConfiguration([unreadable]);
  const parsed = Mapping.safeParse(configuration, { error: words });
  if (!parsed.success) throw connectorErrors.badConfiguration(faultsOf(parsed.error.issues));
  return parsed.data;
}

function extractorOf(source: Source): Extractor {
  if ("header" in source) return header(source.header);
  return "body" in source ? ({ body }) => textAt(source.body, body) : ({ event }) => textAt(source, event);
}
