import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction, Database } from "#database";
import type { CredentialStore } from "#kit";
import type { ConnectionId, ControllerId, Sealed } from "#schemas";
import { type ControllerKeys, open, seal } from "#vault";
import { intakeErrors } from "./errors.ts";

/** What a connection needs to call its platform's API, as its connector declares it. */
export type Credentials = Record<string, unknown>;

/** A connection's credentials. */
export function credentialStore(
  database: Database,
  keys: ControllerKeys,
  controllerId: ControllerId,
  id: ConnectionId,
): CredentialStore {
  return {
    current: () =>
      database.inController(controllerId, async ({ sql }) => {
        const [row] = await sql<{ credentials: Sealed<Credentials> | null }[]>`
          select credentials from connection where controller_id = ${controllerId} and id = ${id}`;
        return openCredentials(keys, controllerId, id, row?.credentials);
      }),
    renew: (stale, how) =>
      oneByOne(() => database.inController(controllerId, (tx) => renewIn(tx, keys, id, stale, how))),
  };
}

/**
 * Under a lock on the connection: platforms that hand out a new refresh token let the old one lapse, so that of two
 * renewals at once one would lose the account.
 */
async function renewIn(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  id: ConnectionId,
  stale: unknown,
  how: (credentials: unknown) => Promise<unknown>,
): Promise<Credentials> {
  const { sql, controllerId } = tx;
  const [row] = await sql<{ credentials: Sealed<Credentials> | null }[]>`
    select credentials from connection where controller_id = ${controllerId} and id = ${id} for update`;
  const current = openCredentials(keys, controllerId, id, row?.credentials);
  if (JSON.stringify(current) !== JSON.stringify(stale)) return current;
  const fresh = (await how(current)) as Credentials;
  const sealed = Buffer.from(sealCredentials(keys, controllerId, id, fresh)).toString("base64");
  await sql`update connection set credentials = decode(${sealed}, 'base64'), revision = revision + 1
    where controller_id = ${controllerId} and id = ${id}`;
  const renewed = {
    workflow: uuid(),
    type: "connection.renewed",
    entity: `connection:${id}`,
    actor: "hub",
  } as const;
  await appendEvents(tx, [renewed]);
  return fresh;
}

let last: Promise<unknown> = Promise.resolve();

/** A renewal keeps a session of the database while a platform takes its time: one of them in a process, not all. */
function oneByOne<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  last = mine.catch(() => {});
  return mine;
}

export function sealCredentials(
  keys: ControllerKeys,
  controllerId: ControllerId,
  id: ConnectionId,
  credentials: Credentials,
): Sealed<Credentials> {
  return seal(keys.current("seal"), context(controllerId, id), Buffer.from(JSON.stringify(credentials)));
}

function openCredentials(
  keys: ControllerKeys,
  controllerId: ControllerId,
  id: ConnectionId,
  sealed: Sealed<Credentials> | null | undefined,
): Credentials {
  if (sealed === null || sealed === undefined) throw intakeErrors.noCredentials();
  const bytes = open((version) => keys.version("seal", version), context(controllerId, id), sealed);
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

const context = (controllerId: ControllerId, id: ConnectionId) => ({
  purpose: "credentials",
  controllerId,
  recordId: id,
});
