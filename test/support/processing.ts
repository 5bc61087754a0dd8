import { hash } from "node:crypto";
import { connectors } from "#connectors";
import type { ConnectionSettings } from "#controllers";
import { listDeliveries, type ReplayOutcome, replayDeliveries, type StoredRequest } from "#intake";
import type { Fixture } from "#kit";
import {
  AuditEntry,
  type ConnectionId,
  type ControllerId,
  type DeliveryId,
  type DeliveryView,
  type Environment,
  type Sealed,
} from "#schemas";
import type { RightsOptions } from "#workflows";
import { openTestDoor } from "./door.ts";
import type { SimulatedWebhook } from "./platforms/simulated.ts";
import { freshRooms, type TestRooms } from "./rooms.ts";
import { fixture, sendFixture } from "./send.ts";

export interface Processing {
  readonly rooms: TestRooms;
  /** A controller with one connection. */
  shop(connector?: string, environment?: Environment, options?: Partial<ConnectionSettings>): Promise<Shop>;
  /** Another connection of a controller. */
  connect(
    controllerId: ControllerId,
    connector: string,
    options?: Partial<ConnectionSettings>,
  ): Promise<Shop>;
  /** Works until the test has seen what it waits for. What is in the inbox when it starts is one batch. */
  working(until: () => Promise<void>, rights?: Partial<RightsOptions>): Promise<void>;
  /** A statement with the superuser's hand. */
  byHand<T extends object>(statement: string, ...parameters: string[]): Promise<T[]>;
  /** The audit events of a delivery in order. Throws if one does not name the hash of the one before. */
  chain(id: DeliveryId): Promise<AuditEntry[]>;
  close(): Promise<void>;
}

export interface Shop {
  readonly controllerId: ControllerId;
  readonly connection: ConnectionId;
  /** Where the platform sends to. */
  readonly url: string;
  /** Sends a fixture over HTTP as a delivery of its own, with its body changed; resolves with the delivery's id. */
  send(name: string, change?: (body: string) => string): Promise<DeliveryId>;
  /** Signs and sends what a simulated platform wants to send. */
  deliver(webhook: SimulatedWebhook): Promise<void>;
  /** How many deliveries are in which state, and of which ones the payload is left. */
  state(): Promise<Record<string, unknown>>;
  delivery(id: DeliveryId): Promise<DeliveryView | undefined>;
  /** Which functions ran, with how many events, and how it ended: `process-delivery 3 completed`. */
  runs(): Promise<string[]>;
  /** What was recorded, by delivery. */
  effects(): Promise<{ delivery: DeliveryId; record: string }[]>;
  sealed(id: DeliveryId): Promise<Sealed<StoredRequest> | undefined>;
  replay(...ids: DeliveryId[]): Promise<(ReplayOutcome | undefined)[]>;
}

/** The nightly check of the logs has a test of its own. */
const NOWHERE = () => Promise.reject(new Error("no log is checked here"));

/** The HTTP door and the workflows on a database of their own, in process; retries come at once. */
export async function openProcessing(): Promise<Processing> {
  const rooms = await freshRooms();
  const door = await openTestDoor(rooms);
  let webhooks = 0;
  return {
    rooms,
    shop,
    connect,
    working,
    byHand,
    chain,
    close: async () => {
      await door.stop();
      await rooms.drop();
    },
  };

  function byHand<T extends object>(statement: string, ...parameters: string[]): Promise<T[]> {
    return rooms.sql.unsafe<T[]>(statement, parameters);
  }

  async function working(until: () => Promise<void>, rights: Partial<RightsOptions> = {}): Promise<void> {
    // Loaded here, because most tests need neither.
    const [{ createEmbeddedRuntime }, { defineWorkflows }] = await Promise.all([
      import("#runtime"),
      import("#workflows"),
    ]);
    const log = { warn: () => {}, error: () => {} };
    const controllers = () => byHand<{ id: ControllerId }>("select controller_id as id from controller");
    const known = {
      ...rooms,
      connectors,
      controllers,
      replayDays: 7,
      readBackAfter: [1],
      rights: {
        ...{ mailer: undefined, privacyTeam: undefined, url: () => "http://hub.test", retentionYears: 10 },
        ...{ backupDays: 30, readBackAfter: [1, 5, 20] },
        ...rights,
      },
      outside: { logs: NOWHERE, witness: async () => undefined, policyFaults: async () => undefined },
      committed: () => {},
      log,
    };
    const runtime = createEmbeddedRuntime({
      database: rooms.database,
      log,
      backoffScale: 1e-5, // as many retries as ever, within milliseconds
      workflows: (client) => defineWorkflows(client, known),
    });
    await runtime.start();
    await until().finally(() => runtime.stop(2_000));
  }

  async function chain(id: DeliveryId): Promise<AuditEntry[]> {
    const rows = await byHand<{ entry: Buffer }>(
      "select entry from audit_event where workflow_id = $1 order by position",
      id,
    );
    let previous: string | null = null;
    return rows.map(({ entry }, position) => {
      const event = AuditEntry.parse(JSON.parse(entry.toString("utf8")));
      if (event.position !== position || event.previous !== previous)
        throw new Error(`the chain breaks at ${event.type}, position ${position}`);
      previous = hash("sha256", entry);
      return event;
    });
  }

  async function shop(
    connector = "shopify",
    environment?: Environment,
    options: Partial<ConnectionSettings> = {},
  ): Promise<Shop> {
    return connect(await rooms.controller(environment), connector, options);
  }

  async function connect(
    controllerId: ControllerId,
    connector: string,
    options: Partial<ConnectionSettings> = {},
  ): Promise<Shop> {
    const { id: connection, secret } = await rooms.connection(controllerId, connector, options);
    const url = `${door.url}/webhooks/${connector}/${connection}`;
    const own = <T extends object>(query: string) => byHand<T>(query, controllerId);
    return {
      ...{ controllerId, connection, url },
      send: async (name, change = (body) => body) => {
        const request = fixture(`${connector}/${name}`);
        const changed = { ...request, body: change(request.body) };
        const headers = connector === "shopify" ? { "x-shopify-webhook-id": `webhook-${webhooks++}` } : {};
        const response = await sendFixture(url, connector, changed, secret, { headers });
        if (!response.ok) throw new Error(`the door answered ${response.status}`);
        return ((await response.json()) as { delivery: DeliveryId }).delivery;
      },
      deliver: async ({ headers, body }) => {
        const sent: Fixture = {
          ...{ name: connector, about: "", method: "POST", url: "/", headers, body },
          ...{ answers: new Map(), expect: {} },
        };
        const response = await sendFixture(url, connector, sent, secret);
        if (!response.ok) throw new Error(`the door answered ${response.status}: ${await response.text()}`);
      },
      state: async () => {
        const counts = await own<{ status: string; count: number }>(
          "select status, count(*)::int from delivery where controller_id = $1 group by 1",
        );
        const left = await own<{ id: DeliveryId }>(
          "select delivery_id as id from delivery_payload where controller_id = $1 order by 1",
        );
        return {
          ...Object.fromEntries(counts.map(({ status, count }) => [status, count])),
          left: left.map(({ id }) => id),
        };
      },
      delivery: async (id) => {
        const [found] = await rooms.database.inController(controllerId, (tx) =>
          listDeliveries(tx, { ids: [id], limit: 1 }),
        );
        return found;
      },
      runs: async () => {
        // What follows a failed run belongs to the hub, and names the run's own event.
        const rows = await own<{ run: string }>(`
          select concat_ws(' ', replace(function_id, 'lethe-', ''), jsonb_array_length(events), status) as run from runtime_run
          where $1::text in (controller_id::text, events #>> '{0,data,event,data,controllerId}') order by id`);
        return rows.map(({ run }) => run);
      },
      effects: () =>
        own(`select delivery_id as delivery, activity as record from processing_activity where controller_id = $1
          union all select workflow_id, purpose || ' ' || state from consent_record where controller_id = $1 order by 1, 2`),
      sealed: async (id) => {
        const [row] = await byHand<{ sealed: Sealed<StoredRequest> }>(
          "select sealed from delivery_payload where delivery_id = $1",
          id,
        );
        return row?.sealed;
      },
      replay: async (...ids) => {
        const outcomes = await rooms.database.inController(controllerId, (tx) =>
          replayDeliveries(tx, ids, { dryRun: false }),
        );
        return ids.map((id) => outcomes.get(id)?.outcome);
      },
    };
  }
}
