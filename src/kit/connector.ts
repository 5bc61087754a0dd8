import { z } from "zod";
import { ActivityPurpose, ConsentPurpose, DataCategory, LawfulBasis } from "#schemas";
import type { ApiDeclaration } from "./api/index.ts";
import type { ConsentSection } from "./consent.ts";
import { connectorErrors } from "./errors.ts";
import type { EventHandler, Splitter } from "./events.ts";
import type { Envelope, Extractor } from "./extract.ts";
import type { BodyFormat } from "./payload.ts";
import type { WebhookRequest } from "./request.ts";
import type { RightsSection } from "./rights.ts";
import type { SignatureScheme } from "./signature/index.ts";

/** What Lethe knows about a platform: data first, functions only where the platform needs code. */
export interface Connector<Activity extends string = string> {
  /** Lower-case name in URLs, folders and commands. */
  readonly id: string;
  /** The platform's own name, which is also the recipient of the data that it holds. */
  readonly name: string;
  /** The platform's page on webhooks. */
  readonly documentation: string;
  /** What `--credentials` must hold, for calling the platform's API. */
  readonly credentials?: z.ZodType;
  /** Where thin payloads are fetched from. */
  readonly api?: ApiDeclaration;
  /** How consent is kept in step there; without it, the platform cannot hold any. */
  readonly consent?: ConsentSection;
  /** What its API does for people who exercise their rights; without it, all of that is left to somebody. */
  readonly rights?: RightsSection;
  /** For a connector that each connection configures for itself. */
  readonly configuration?: Configurable;
  /** How requests come in. Several where a platform has several families: the first whose signature header is there. */
  readonly webhook: Door | readonly [Door, ...Door[]];
  /** Every activity that an event may record: the record of processing (GDPR Art. 30) is made from it. */
  readonly activities: Readonly<Record<Activity, ActivityDeclaration>>;
  /** What each topic means. Topics that are not here are accepted, and recorded as ignored. */
  readonly events: Readonly<Record<string, EventHandler<Activity>>>;
}

export interface Door {
  readonly signature: SignatureScheme;
  /** Headers without which a request is not the platform's, whatever its signature. */
  readonly requires?: readonly string[];
  readonly body: BodyFormat;
  /**
   * Takes the events out of a request that carries several. Topic, account, time and id are then each event's own, so
   * that one bad event does not sink the others, and one that comes again in another request is known.
   */
  readonly events?: Splitter;
  /** What tells one delivery, or one event of several, from another. */
  readonly id: DeliveryIdentity;
  readonly topic: Extractor;
  /** The platform account that the request is for: compared with the connection's. */
  readonly account?: Extractor;
  /** When it happened, in any form that `Date` reads without a time zone of its own; epoch seconds are converted. */
  readonly occurredAt?: Extractor;
  /** Two facts that must be the same: a header that is not signed, and what the signed body says. */
  readonly agree?: readonly [Extractor, Extractor];
  /** `sandbox` for the platform's own test data, which a live controller ignores. */
  readonly environment?: (envelope: Envelope) => "live" | "sandbox" | undefined;
  /** Requests by which the platform checks that the URL is there. */
  readonly handshake?: { readonly method: "GET" | "HEAD"; readonly signed: boolean };
  /** Recognises an unsigned ping, which gets a 200 and is not stored. */
  readonly ping?: (request: WebhookRequest) => boolean;
}

export interface DeliveryIdentity {
  /** All of them must be found; otherwise the body alone tells deliveries apart. */
  readonly parts: readonly Extractor[];
  /** Also compare the body, because two deliveries may share these parts. */
  readonly withBody?: boolean | ((parts: readonly string[]) => boolean);
  /**
   * The request has no id and only points to what changed: the same bytes come again for the next change. Where they can
   * be fetched for, each is, and its effects are told apart by the object's version; elsewhere the same says the same.
   */
  readonly pointer?: true;
}

export interface ActivityDeclaration {
  readonly purpose: ActivityPurpose;
  readonly lawfulBasis: LawfulBasis;
  readonly dataCategories: readonly DataCategory[];
  /** Who receives the data; the platform itself unless said otherwise. */
  readonly recipient?: string;
}

/** A connector that is made for each connection, of what its operator configured. */
export interface Configurable {
  /** Makes it. Throws `connector/bad-configuration`, which names the place at fault. */
  readonly configure: (configuration: unknown) => Connector;
  /** A configuration that works with the connector's fixtures. */
  readonly example: unknown;
}

export const Declaration = z.object({
  purpose: ActivityPurpose,
  lawfulBasis: LawfulBasis,
  dataCategories: z.array(DataCategory).min(1),
  recipient: z.string().min(1).optional(),
});

/**
 * Declares a connector. Refuses one that could let an unverified request in or record an undeclared activity.
 * Throws `connector/invalid` with what to change.
 */
export function defineConnector<const Activity extends string>(definition: Connector<Activity>): Connector {
  const refuse = (fault: string) => connectorErrors.invalid(String(definition.id), fault);
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(definition.id))
    throw refuse("its id must be lower-case letters, digits and dashes");
  if (doorsOf(definition).length === 0) throw refuse("its webhook is missing");
  for (const door of doorsOf(definition)) {
    if (typeof door?.signature?.verify !== "function")
      throw refuse("webhook.signature is missing: take one of the kit's schemes, such as hmac({ … })");
    if (typeof door.topic !== "function") throw refuse("webhook.topic is missing");
    if (!Array.isArray(door.id?.parts))
      throw refuse("webhook.id is missing: say what tells deliveries apart");
    if (door.handshake?.signed === true && door.signature.signs.includes("body"))
      throw refuse("a signed handshake needs a scheme that signs the URL, because a GET has no body");
  }
  for (const [name, declared] of Object.entries(definition.activities ?? {})) {
    const { error } = Declaration.safeParse(declared);
    const [fault] = error?.issues ?? [];
    if (fault !== undefined)
      throw refuse(
        `activity "${name}" needs a valid ${String(fault.path[0] ?? "declaration")} (${fault.message})`,
      );
  }
  checkConsent(definition, refuse);
  checkRights(definition, refuse);
  const events = Object.entries<EventHandler>(definition.events ?? {});
  if (events.length === 0) throw refuse("it has no events");
  for (const [topic, { fetch }] of events)
    if (fetch !== undefined && definition.api === undefined)
      throw refuse(`event "${topic}" is fetched, but no api says from where`);
  return definition as Connector;
}

function checkConsent({ consent, credentials }: Connector, refuse: (fault: string) => Error): void {
  if (consent === undefined) return;
  if (typeof consent.open !== "function")
    throw refuse("consent.open is missing: it opens the platform's API");
  if (credentials === undefined) throw refuse("it has consent but no credentials to change it with");
  if (
    !Array.isArray(consent.purposes) ||
    consent.purposes.some((one) => !ConsentPurpose.safeParse(one).success)
  )
    throw refuse(`consent.purposes must be some of ${ConsentPurpose.options.join(", ")}`);
  if (consent.lists !== undefined && !/^\^.*\$$/s.test(consent.lists.source))
    throw refuse("consent.lists must match a whole key: begin it with ^ and end it with $");
  if (consent.purposes.length === 0 && consent.lists === undefined)
    throw refuse("its consent holds nothing: name purposes or lists, or leave it out");
}

function checkRights({ rights, credentials }: Connector, refuse: (fault: string) => Error): void {
  if (rights === undefined) return;
  if (typeof rights.open !== "function") throw refuse("rights.open is missing: it opens the platform's API");
  if (credentials === undefined) throw refuse("it has rights but no credentials to fulfil them with");
  if (!Array.isArray(rights.can) || rights.can.length === 0)
    throw refuse("rights.can must name what the API can do: access, erasure, rectification");
}

/** The ways in, in the order in which they are tried. */
export function doorsOf(connector: Connector): readonly Door[] {
  return (Array.isArray(connector.webhook) ? connector.webhook : [connector.webhook]) as readonly Door[];
}

/** The door that a request came to: the first whose signature header is there, otherwise the last. */
export function doorFor(connector: Connector, request: WebhookRequest): Door {
  const doors = doorsOf(connector);
  const found = doors.find(
    ({ signature }) => signature.header === undefined || request.header(signature.header) !== undefined,
  );
  const door = found ?? doors.at(-1);
  if (door === undefined) throw connectorErrors.invalid(connector.id, "it has no webhook");
  return door;
}
