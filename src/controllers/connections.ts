import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { and, type ControllerTransaction, type Database, eq, ne, tables } from "#database";
import { CONNECTIONS_CHANGED, openSecrets, sealCredentials, sealSecrets, type WebhookSecret } from "#intake";
import { type Connector, configured, doorsOf, plainAccount, webhookRequest } from "#kit";
import { ConnectionId, type ConnectionView, ConsentPurpose, type ControllerId, type Sealed } from "#schemas";
import type { ControllerKeys, KeyRing } from "#vault";
import { controllerErrors } from "./errors.ts";
import {
  checkConfiguration,
  checkCredentials,
  checkOpening,
  checkPurposes,
  checkSecret,
} from "./settings.ts";

/** A connection's view, and the one time that its URL is shown with the secret in it, where the platform needs it there. */
export interface NewConnection extends ConnectionView {
  readonly secretUrl: string;
}

export interface ConnectionSettings {
  readonly account?: string | undefined;
  readonly secret: string;
  readonly credentials?: unknown;
  readonly configuration?: unknown;
  readonly region?: string | undefined;
}

/** Connects a controller to a platform; secret and credentials are sealed before they are stored. */
export async function createConnection(
  database: Database,
  ring: KeyRing,
  connector: Connector,
  controllerId: ControllerId,
  settings: ConnectionSettings,
  baseUrl: string,
): Promise<NewConnection> {
  if (settings.region !== undefined && !/^[A-Z]{2}$/.test(settings.region))
    throw controllerErrors.badRegion();
  const credentials = checkCredentials(connector, settings.credentials);
  const configuration = checkConfiguration(connector, settings.configuration);
  checkSecret(configured(connector, configuration), settings.secret);
  const account = settings.account === undefined ? null : plainAccount(settings.account);
  await checkOpening(connector, credentials, account);
  const keys = await ring.keys(controllerId);
  const id = ConnectionId.parse(uuid());
  const secrets: WebhookSecret[] = [{ value: settings.secret, expiresAt: null }];
  const created = await database.inController(controllerId, async (tx) => {
    const [row] = await tx.db
      .insert(tables.connection)
      .values({
        controllerId,
        id,
        connector: connector.id,
        account,
        secrets: sealSecrets(keys, controllerId, id, secrets),
        credentials: credentials === undefined ? null : sealCredentials(keys, controllerId, id, credentials),
        region: settings.region ?? null,
        configuration,
      })
      .returning();
    await noteChange(tx, "connection.created", id, { connector: connector.id });
    return row;
  });
  if (created === undefined) throw controllerErrors.unknownConnection(id);
  const view = viewOf(created, connector, 1, baseUrl);
  return { ...view, secretUrl: withSecret(configured(connector, configuration), view.url, settings.secret) };
}

/** All connections of a controller, oldest first. */
export async function listConnections(
  database: Database,
  ring: KeyRing,
  connectors: ReadonlyMap<string, Connector>,
  controllerId: ControllerId,
  baseUrl: string,
): Promise<ConnectionView[]> {
  const keys = await ring.keys(controllerId);
  const rows = await database.inController(controllerId, ({ db }) =>
    db
      .select()
      .from(tables.connection)
      .where(eq(tables.connection.controllerId, controllerId))
      .orderBy(tables.connection.createdAt),
  );
  return rows.map((row) => viewOf(row, connectors.get(row.connector), currentCount(keys, row), baseUrl));
}

/** Replaces a connection's credentials, configuration or purposes; what is not given stays as it is. */
export async function updateConnection(
  database: Database,
  ring: KeyRing,
  connector: Connector,
  { controllerId, id }: { controllerId: ControllerId; id: ConnectionId },
  changes: { credentials?: unknown; configuration?: unknown; purposes?: unknown },
): Promise<void> {
  const credentials = checkCredentials(connector, changes.credentials);
  const configuration =
    changes.configuration === undefined ? undefined : checkConfiguration(connector, changes.configuration);
  const keys = await ring.keys(controllerId);
  if (credentials !== undefined)
    await checkOpening(connector, credentials, await accountOf(database, controllerId, id));
  await database.inController(controllerId, async (tx) => {
    const purposes =
      changes.purposes === undefined
        ? undefined
        : checkPurposes(connector, changes.purposes, await purposesOf(tx));
    await tx.db
      .update(tables.connection)
      .set({
        ...(credentials && { credentials: sealCredentials(keys, controllerId, id, credentials) }),
        ...(configuration === undefined ? {} : { configuration }),
        ...(purposes && { purposes }),
      })
      .where(and(eq(tables.connection.controllerId, controllerId), eq(tables.connection.id, id)));
    await noteChange(tx, "connection.updated", id, {
      what: Object.entries({ credentials, configuration, purposes })
        .flatMap(([name, value]) => (value === undefined || value === null ? [] : [name]))
        .join(", "),
    });
  });
}

async function accountOf(database: Database, controllerId: ControllerId, id: ConnectionId) {
  return database.inController(controllerId, async ({ sql }) => {
    const [row] = await sql<{ account: string | null }[]>`
      select account from connection where controller_id = ${controllerId} and id = ${id}`;
    return row?.account ?? null;
  });
}

async function purposesOf({ sql, controllerId }: ControllerTransaction): Promise<string[]> {
  const own = await sql<
    { id: string }[]
  >`select id from consent_purpose where controller_id = ${controllerId}`;
  return [...ConsentPurpose.options, ...own.map(({ id }) => id)];
}

/** Adds a secret; the old ones still count for `keepHours`, because platforms sign with either for a while. */
export async function rotateSecret(
  database: Database,
  ring: KeyRing,
  connector: Connector,
  target: { controllerId: ControllerId; id: ConnectionId },
  secret: string,
  keepHours: number,
): Promise<void> {
  const keys = await ring.keys(target.controllerId);
  await database.inController(target.controllerId, async (tx) => {
    const [row] = await tx.sql<{ secrets: Sealed<WebhookSecret[]>; configuration: unknown }[]>`
      select secrets, configuration from connection where controller_id = ${target.controllerId} and id = ${target.id} for update`;
    if (row === undefined) throw controllerErrors.unknownConnection(target.id);
    checkSecret(configured(connector, row.configuration), secret);
    const until = Date.now() + keepHours * 3_600_000;
    const kept = openSecrets(keys, target.controllerId, target.id, row.secrets)
      .filter(({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > Date.now())
      .map(({ value, expiresAt }) => ({
        value,
        expiresAt: new Date(
          Math.min(until, expiresAt === null ? until : Date.parse(expiresAt)),
        ).toISOString(),
      }));
    const secrets = [{ value: secret, expiresAt: null }, ...(keepHours > 0 ? kept : [])];
    await tx.db
      .update(tables.connection)
      .set({ secrets: sealSecrets(keys, target.controllerId, target.id, secrets) })
      .where(
        and(eq(tables.connection.controllerId, target.controllerId), eq(tables.connection.id, target.id)),
      );
    await noteChange(tx, "connection.secret_rotated", target.id, { kept: secrets.length - 1 });
  });
}

/** Closes a connection: its URL answers 404 from now on, and its secrets are forgotten. Its records stay. */
export async function removeConnection(
  database: Database,
  ring: KeyRing,
  target: { controllerId: ControllerId; id: ConnectionId },
): Promise<void> {
  const keys = await ring.keys(target.controllerId);
  await database.inController(target.controllerId, async (tx) => {
    const removed = await tx.db
      .update(tables.connection)
      .set({
        status: "removed",
        secrets: sealSecrets(keys, target.controllerId, target.id, []),
        credentials: null,
      })
      .where(
        and(
          eq(tables.connection.controllerId, target.controllerId),
          eq(tables.connection.id, target.id),
          ne(tables.connection.status, "removed"),
        ),
      )
      .returning({ id: tables.connection.id });
    if (removed.length > 0) await noteChange(tx, "connection.removed", target.id, {});
  });
}

/** What a connection's requests are signed with: its connector as it is configured, and its secrets. */
export async function signingOf(
  database: Database,
  ring: KeyRing,
  connector: Connector,
  target: { controllerId: ControllerId; id: ConnectionId },
): Promise<{ connector: Connector; secrets: WebhookSecret[] }> {
  const keys = await ring.keys(target.controllerId);
  const [row] = await database.inController(target.controllerId, ({ db }) =>
    db
      .select()
      .from(tables.connection)
      .where(
        and(eq(tables.connection.controllerId, target.controllerId), eq(tables.connection.id, target.id)),
      ),
  );
  if (row === undefined) throw controllerErrors.unknownConnection(target.id);
  const secrets = openSecrets(keys, target.controllerId, target.id, row.secrets as Sealed<WebhookSecret[]>);
  return { connector: configured(connector, row.configuration), secrets };
}

function currentCount(keys: ControllerKeys, row: typeof tables.connection.$inferSelect): number {
  return openSecrets(keys, row.controllerId, row.id, row.secrets as Sealed<WebhookSecret[]>).filter(
    ({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > Date.now(),
  ).length;
}

function viewOf(
  row: typeof tables.connection.$inferSelect,
  connector: Connector | undefined,
  secrets: number,
  baseUrl: string,
): ConnectionView {
  const url = `${baseUrl}/webhooks/${row.connector}/${row.id}`;
  return {
    id: row.id,
    controller: row.controllerId,
    connector: row.connector,
    account: row.account,
    status: row.status,
    url: connector === undefined ? url : withPlaceholder(connector, row.configuration, url),
    secrets,
    createdAt: new Date(row.createdAt).toISOString(),
  };
}

/** A configuration that this version does not take any more is the door's and the operator's business, not a list's. */
function withPlaceholder(connector: Connector, configuration: unknown, url: string): string {
  try {
    return withSecret(configured(connector, configuration), url, "<secret>").replace(
      "%3Csecret%3E",
      "<secret>",
    );
  } catch {
    return url;
  }
}

/** For platforms that sign nothing, the URL with the secret in its query. */
function withSecret(connector: Connector, url: string, secret: string): string {
  const scheme = doorsOf(connector).at(-1)?.signature;
  // A scheme with a header is not asked: some can sign with secrets of a certain form only, or not at all.
  const signed = scheme?.header === undefined ? scheme?.sign(webhookRequest({}), secret, 0) : undefined;
  const query = new URLSearchParams(signed?.query ?? {}).toString();
  return query === "" ? url : `${url.split("?")[0]}?${query}`;
}

/** In the log, and to the doors of running hubs, which keep connections in memory. */
async function noteChange(
  tx: ControllerTransaction,
  type: `connection.${string}`,
  id: ConnectionId,
  facts: Record<string, string | number>,
): Promise<void> {
  await tx.sql`select pg_notify(${CONNECTIONS_CHANGED}, '')`;
  await appendEvents(tx, [{ workflow: uuid(), type, entity: `connection:${id}`, actor: "operator", facts }]);
}
