import { RateLimiterMemory } from "rate-limiter-flexible";
import { v7 as uuidv7 } from "uuid";
import {
  type Connector,
  configured,
  type DeliveryFacts,
  declaredTopic,
  doorFor,
  plainAccount,
  type Refusal,
  receive,
  type WebhookRequest,
} from "#kit";
import { DeliveryId } from "#schemas";
import { annotate, inShortSpan, inSpan, traceUuid } from "#telemetry";
import { keyedHash } from "#vault";
import { type ConnectionDirectory, currentSecrets, type OpenConnection } from "./connections.ts";
import { intakeErrors } from "./errors.ts";
import type { Inbox } from "./inbox.ts";
import { sealRequest } from "./sealed-request.ts";

/** What the door made of a request that it let in. Everything else is an error of the catalogue. */
export type Admission =
  | { readonly kind: "accepted" | "duplicate"; readonly deliveryId: DeliveryId }
  | { readonly kind: "handshake" | "ping" }
  | { readonly kind: "method_not_allowed"; readonly allowed: readonly string[] };

/** A request of which only the head is there yet: its body is read when it is known whom it is for. */
export interface Arrival {
  readonly head: Omit<WebhookRequest, "body">;
  readonly address: string;
  body(): Promise<Uint8Array>;
}

export interface Door {
  /** The request came to a connection's own URL. */
  toConnection(connector: string, connectionId: string, arrival: Arrival): Promise<Admission>;
  /** The request names its account. */
  toAccount(connector: string, arrival: Arrival): Promise<Admission>;
  /** So many platforms wait for an answer that everything else should wait. */
  crowded(): boolean;
}

export interface DoorOptions {
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly directory: ConnectionDirectory;
  readonly inbox: Inbox;
  /** Refused requests that an address may make to one connection in a minute before it gets 429. */
  readonly refusalsPerMinute: number;
  readonly observe: (outcome: Observed) => void;
  readonly now?: () => number;
}

/** For metrics: enumerated values only. */
export interface Observed {
  readonly connector: string;
  readonly outcome: "accepted" | "duplicate" | "handshake" | "ping" | "refused" | "not_stored";
  readonly reason?: string;
}

/** Requests in hand that make a crowd: a platform that sends one after the other never has as many. */
const CROWD = 16;

/** Raw bytes → verify → dedupe → seal → inbox and outbox in one commit. */
export function openDoor(options: DoorOptions): Door {
  const { connectors, directory, inbox, now = Date.now } = options;
  const refusals = new RateLimiterMemory({ points: options.refusalsPerMinute, duration: 60 });
  let inHand = 0;

  return {
    crowded: () => inHand >= CROWD,
    async toConnection(connectorId, connectionId, arrival) {
      const connector = connectors.get(connectorId);
      const connection =
        connector === undefined ? undefined : await directory.byId(connectorId, connectionId);
      if (connector === undefined || connection === undefined) throw intakeErrors.unknownConnection();
      return admit(connector, [connection], arrival);
    },
    async toAccount(connectorId, arrival) {
      const connector = connectors.get(connectorId);
      const account = connector === undefined ? undefined : claimedAccount(connector, arrival.head);
      const connections =
        account === undefined || connector?.configuration !== undefined
          ? []
          : await directory.byAccount(connectorId, account);
      if (connector === undefined || connections.length === 0) throw intakeErrors.unknownConnection();
      return admit(connector, connections, arrival);
    },
  };

  function observe(observed: Observed): void {
    options.observe(observed);
    const { connector, outcome, reason } = observed;
    annotate({ "lethe.connector": connector, "lethe.outcome": outcome, "lethe.reason": reason });
  }

  async function admit(
    known: Connector,
    connections: readonly OpenConnection[],
    arrival: Arrival,
  ): Promise<Admission> {
    const request: WebhookRequest = { ...arrival.head, body: await arrival.body() };
    let reason: Refusal = "no_secret";
    for (const connection of connections) {
      const connector = asConfigured(known, connection);
      const secrets = currentSecrets(connection.secrets, now());
      const { account, hasCredentials } = connection;
      const received = inShortSpan("verify", () =>
        receive(connector, request, { secrets, account, fetches: hasCredentials }, now()),
      );
      if (received.kind === "delivery") return store(connector, connection, request, received.about);
      if (received.kind === "method_not_allowed") return received;
      if (received.kind !== "refused") {
        observe({ connector: connector.id, outcome: received.kind });
        return received;
      }
      reason = received.reason;
    }
    observe({ connector: known.id, outcome: "refused", reason });
    // Counted after verification, so that a request that verifies is never held back by those that did not.
    const allowed = await refusals.consume(`${arrival.address} ${connections[0]?.id}`).then(
      () => true,
      () => false,
    );
    throw allowed ? intakeErrors.refused(reason) : intakeErrors.tooManyRefusals();
  }

  async function store(
    connector: Connector,
    connection: OpenConnection,
    request: WebhookRequest,
    about: DeliveryFacts,
  ): Promise<Admission> {
    const { keys, controllerId } = connection;
    const mac = keys.current("mac").key;
    const id = DeliveryId.parse(traceUuid() ?? uuidv7());
    const { identity, ...envelope } = about;
    const delivery = {
      id,
      connectionId: connection.id,
      connector: connector.id,
      topic: declaredTopic(connector, about.topic),
      dedupe: keyedHash(mac, "delivery", ...identity).subarray(0, 16),
      sealed: inShortSpan("seal", () =>
        sealRequest(keys, controllerId, id, { about: envelope, body: request.body }),
      ),
    };
    inHand += 1;
    try {
      const kind = await inSpan("store", {}, () => withDeadline(inbox.store(controllerId, delivery)));
      observe({ connector: connector.id, outcome: kind });
      if (kind === "accepted") annotate({ "lethe.delivery": id, "lethe.controller": controllerId });
      return { kind, deliveryId: id };
    } catch (error) {
      observe({ connector: connector.id, outcome: "not_stored" });
      throw intakeErrors.notStored(error);
    } finally {
      inHand -= 1;
    }
  }
}

/** What is wrong with a configuration is the operator's own text, and no business of whoever knows the URL. */
function asConfigured(connector: Connector, { configuration }: OpenConnection): Connector {
  try {
    return configured(connector, configuration);
  } catch {
    throw intakeErrors.misconfigured();
  }
}

/** The strictest platform hangs up after 3 seconds; a late 503 would be no answer at all. */
const DEADLINE = 2_500;

/** Giving up is safe: if the commit succeeds after all, the platform's next try is a duplicate. */
function withDeadline<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("not stored in time")), DEADLINE);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

/**
 * The account that an unverified request claims, to find the secrets to verify it with. From headers only:
 * nothing of a body is parsed before its signature holds.
 */
function claimedAccount(connector: Connector, head: Arrival["head"]): string | undefined {
  const request = { ...head, body: new Uint8Array() };
  const account = doorFor(connector, request).account?.({ request, body: undefined, event: undefined });
  return account === undefined ? undefined : plainAccount(account);
}
