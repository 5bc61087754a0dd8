import {
  activity,
  basic,
  type Connector,
  connectorErrors,
  consent,
  defineConnector,
  type EventHandler,
  type Extractor,
  ecdsa,
  header,
  hmac,
  on,
  payloadErrors,
  platformSchemes,
  type SignatureScheme,
  subject,
  timestamped,
  urlSecret,
  z,
} from "#kit";
import { type ConsentMapping, Mapping, type Signature, type Source, type TopicMapping } from "./mapping.ts";
import { type Path, textsAt, valuesAt } from "./path.ts";

/** Makes a connector of a mapping. Throws `connector/bad-configuration` with every place at fault. */
export function build(configuration: unknown): Connector {
  const parsed = Mapping.safeParse(configuration);
  if (!parsed.success) throw connectorErrors.badConfiguration(parsed.error.issues.map(faultOf));
  const mapping = parsed.data;
  const { events, id = [], account, occurredAt } = mapping;
  return defineConnector({
    id: "generic",
    name: mapping.name,
    documentation: "docs/connectors.md",
    webhook: {
      signature: schemeOf(mapping.signature),
      body: mapping.body ?? "json",
      ...(events && { events: (body) => valuesAt(events, body) }),
      id: { parts: id.map(extractorOf) },
      topic: extractorOf(mapping.topic),
      ...(account && { account: extractorOf(account) }),
      ...(occurredAt && { occurredAt: extractorOf(occurredAt) }),
    },
    activities: activitiesOf(mapping),
    events: Object.fromEntries(
      Object.entries(mapping.topics).map(([name, topic]) => [name, handlerOf(topic)]),
    ),
  });
}

function faultOf(issue: z.core.$ZodIssue): { where: string; fault: string } {
  // Of a union, the branch that came closest says more than "invalid input".
  const inner =
    issue.code === "invalid_union" ? issue.errors.toSorted((a, b) => depth(b) - depth(a))[0]?.[0] : undefined;
  if (inner !== undefined) return faultOf({ ...inner, path: [...issue.path, ...inner.path] });
  return { where: placeOf(issue.path), fault: issue.message };
}

/** `topics["contact.updated"].subject.email[1]` */
function placeOf(path: readonly PropertyKey[]): string {
  const steps = path.map((key) =>
    typeof key === "string" && /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
  );
  return steps.join("").replace(/^\./, "") || "the mapping";
}

const depth = (issues: readonly z.core.$ZodIssue[]) =>
  Math.max(0, ...issues.map(({ path, code }) => path.length + (code === "custom" ? 1 : 0)));

function schemeOf(signature: Signature): SignatureScheme {
  switch (signature.scheme) {
    case "hmac":
      try {
        return hmac(signature);
      } catch (error) {
        // What the kit says of a template concerns the operator's own text.
        throw connectorErrors.badConfiguration([
          { where: "signature", fault: error instanceof Error ? error.message : "not a scheme" },
        ]);
      }
    case "timestamped":
      return timestamped(signature);
    case "ecdsa":
      return ecdsa(signature);
    case "basic":
      return basic();
    case "url-secret":
      return urlSecret(signature);
    default:
      return platformSchemes[signature.scheme];
  }
}

function extractorOf(source: Source): Extractor {
  if ("header" in source) return header(source.header.toLowerCase());
  return "body" in source
    ? ({ body }) => first(textsAt(source.body, body))
    : ({ event }) => first(textsAt(source, event));
}

function activitiesOf({ topics }: Mapping) {
  const declared: Record<string, Omit<TopicMapping["activity"], "name">> = {};
  for (const [topic, { activity: given }] of Object.entries(topics)) {
    const { name, ...declaration } = given;
    const known = declared[name];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(declaration))
      throw connectorErrors.badConfiguration([
        {
          where: placeOf(["topics", topic, "activity"]),
          fault: `"${name}" is declared otherwise by another topic`,
        },
      ]);
    declared[name] = declaration;
  }
  return declared;
}

function handlerOf({ subject: who, activity: done, consent: choices = [] }: TopicMapping): EventHandler {
  const identifiers = [who.email, who.phone, who.platformId, who.object].flatMap((paths) => paths ?? []);
  return on(z.unknown(), (event) => {
    const all = (paths: readonly Path[] = []) => paths.flatMap((path) => textsAt(path, event));
    // Nobody at all is no event of this topic: better found out now than never missed.
    if (all(identifiers).every((text) => text.trim() === ""))
      throw payloadErrors.unexpectedShape(`none of ${identifiers.map(({ text }) => `"${text}"`).join(", ")}`);
    return [
      subject({
        emails: all(who.email),
        phones: all(who.phone),
        platformIds: all(who.platformId),
        objects: all(who.object),
        region: who.region && first(textsAt(who.region, event)),
      }),
      activity(done.name),
      ...choices.flatMap((choice) => choiceOf(choice, event)),
    ];
  });
}

/** A word that the mapping does not know fails the delivery: it might be a withdrawal. */
function choiceOf({ state, occurredAt, nature, ...choice }: ConsentMapping, event: unknown) {
  const said = typeof state === "string" ? state : wordAt(state, event);
  if (said === null) return [];
  return [
    consent({
      ...choice,
      state: said,
      ...(nature && { nature }),
      occurredAt: occurredAt && first(textsAt(occurredAt, event)),
    }),
  ];
}

function wordAt({ path, values }: Exclude<ConsentMapping["state"], string>, event: unknown) {
  const word = first(textsAt(path, event));
  if (word === undefined) return null;
  const state = Object.hasOwn(values, word) ? values[word] : undefined;
  if (state === undefined)
    throw payloadErrors.unexpectedShape(`"${path.text}" (a word that the mapping has no state for)`);
  return state;
}

const first = (texts: readonly string[]): string | undefined => texts.find((text) => text !== "");
