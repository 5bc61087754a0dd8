import type { Database } from "#database";
import type { CredentialStore } from "#kit";
import type { ConnectionId, ControllerId, Sealed } from "#schemas";
import { type ControllerKeys, open, seal } from "#vault";
import { intakeErrors } from "./errors.ts";

/** What a connection needs to call its platform's API, as its connector declares it. */
export type Credentials = Record<string, unknown>;

/**
 * A connection's credentials. A renewal locks the connection: platforms that hand out a new refresh token let the
 * old one lapse, so that of two renewals at once one would lose the account.
 */
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
      database.inController(controllerId, async ({ sql }) => {
        const [row] = await sql<{ credentials: Sealed<Credentials> | null }[]>`
          select credentials from connection where controller_id = ${controllerId} and id = ${id} for update`;
        const current = openCredentials(keys, controllerId, id, row?.credentials);
        if (JSON.stringify(current) !== JSON.stringify(stale)) return current;
        const fresh = (await how(current)) as Credentials;
        const sealed = Buffer.from(sealCredentials(keys, controllerId, id, fresh)).toString("base64");
        await sql`update connection set credentials = decode(${sealed}, 'base64'), revision = revision + 1
          where controller_id = ${controllerId} and id = ${id}`;
        return fresh;
      }),
  };
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
