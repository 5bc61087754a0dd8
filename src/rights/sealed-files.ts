import type { ControllerTransaction } from "#database";
import type { CollectedSet } from "#kit";
import { type ControllerId, Personal, type RightsRequestId, type RightsTaskId, type Sealed } from "#schemas";
import { type ControllerKeys, open, seal } from "#vault";

/** Days that a person has to download what was collected for them. */
export const DOWNLOAD_DAYS = 14;

type Stored = Omit<CollectedSet, "records"> & { readonly records: string };

/** Keeps what a platform gave, sealed, until the bundle is made. */
export async function savePart(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  task: { readonly id: RightsTaskId; readonly requestId: RightsRequestId },
  sets: readonly CollectedSet[],
): Promise<void> {
  const stored: Stored[] = sets.map((set) => ({ ...set, records: set.records.reveal() }));
  const sealed = seal(
    keys.current("seal"),
    context("rights-part", controllerId, task.id),
    Buffer.from(JSON.stringify(stored), "utf8"),
  );
  await sql`insert into rights_part (controller_id, task_id, request_id, sealed)
    values (${controllerId}, ${task.id}, ${task.requestId}, decode(${base64(sealed)}, 'base64'))
    on conflict (controller_id, task_id) do update set sealed = excluded.sealed`;
}

/** What was collected at each platform, open: for use within one step. */
export async function openParts(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  requestId: RightsRequestId,
): Promise<ReadonlyMap<RightsTaskId, readonly CollectedSet[]>> {
  const rows = await sql<{ id: RightsTaskId; sealed: Sealed<Stored[]> }[]>`
    select task_id as id, sealed from rights_part where controller_id = ${controllerId} and request_id = ${requestId}`;
  return new Map(
    rows.map(({ id, sealed }) => {
      const opened = open(
        (version) => keys.version("seal", version),
        context("rights-part", controllerId, id),
        sealed,
      );
      const sets = JSON.parse(Buffer.from(opened).toString("utf8")) as Stored[];
      return [id, sets.map((set) => ({ ...set, records: new Personal(set.records) }))];
    }),
  );
}

/** Keeps the file that the person may download. It is encrypted for them already; sealed, it is gone with its row. */
export async function saveBundle(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  requestId: RightsRequestId,
  file: Uint8Array,
): Promise<void> {
  const sealed = seal(keys.current("seal"), context("rights-bundle", controllerId, requestId), file);
  await sql`insert into rights_bundle (controller_id, request_id, sealed, size, expires_at)
    values (${controllerId}, ${requestId}, decode(${base64(sealed)}, 'base64'), ${file.length}, now() + ${DOWNLOAD_DAYS}::int * interval '1 day')
    on conflict (controller_id, request_id) do update set sealed = excluded.sealed, size = excluded.size, expires_at = excluded.expires_at`;
  await sql`delete from rights_part where controller_id = ${controllerId} and request_id = ${requestId}`;
}

/** A file that can be downloaded: its size in bytes, and until when. Undefined if there is none (any more). */
export async function bundleOf(
  { sql, controllerId }: ControllerTransaction,
  requestId: RightsRequestId,
): Promise<{ readonly size: number; readonly expiresAt: string } | undefined> {
  const [row] = await sql<{ size: number; expiresAt: string }[]>`
    select size, expires_at as "expiresAt" from rights_bundle
    where controller_id = ${controllerId} and request_id = ${requestId} and expires_at > now()`;
  return row && { size: row.size, expiresAt: new Date(row.expiresAt).toISOString() };
}

/** The file, and one download more; undefined once it has expired. */
export async function takeBundle(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  requestId: RightsRequestId,
): Promise<Uint8Array | undefined> {
  const [row] = await sql<{ sealed: Sealed<Uint8Array> }[]>`
    update rights_bundle set downloads = downloads + 1
    where controller_id = ${controllerId} and request_id = ${requestId} and expires_at > now() returning sealed`;
  if (row === undefined) return undefined;
  return open(
    (version) => keys.version("seal", version),
    context("rights-bundle", controllerId, requestId),
    row.sealed,
  );
}

/** Files whose time is up are gone, and so is what was collected for requests that closed. Returns how many there were. */
export async function shredFiles({ sql, controllerId }: ControllerTransaction): Promise<number> {
  const bundles =
    await sql`delete from rights_bundle where controller_id = ${controllerId} and expires_at <= now()`;
  const parts =
    await sql`delete from rights_part p using rights_request r where p.controller_id = ${controllerId}
    and r.controller_id = p.controller_id and r.id = p.request_id and r.closed_at is not null`;
  return bundles.count + parts.count;
}

const context = (purpose: string, controllerId: ControllerId, recordId: string) => ({
  purpose,
  controllerId,
  recordId,
});
// As text: postgres.js knows text parameters only, and hex is a third larger.
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
