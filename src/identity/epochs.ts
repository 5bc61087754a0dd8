import { asBytea, type ControllerTransaction } from "#database";
import type { SubjectId } from "#schemas";
import { type ControllerKeys, type KeyRing, keysChanged, wrappingVersion } from "#vault";
import { lockController } from "./known.ts";
import { rewrapSubjectKey, type SubjectKey } from "./subject.ts";

// Subjects' keys are wrapped under versions of the controller's `subject` key, one after another: the erasure epochs. A new
// one begins after an erasure; everybody who is left moves to it; and the old one is destroyed when the last backup that may
// hold an erased person's wrapped key is gone. What still turns up of that key then, in a dead tuple or a forgotten copy, is
// opened by nobody. Nobody is made under an old epoch once there is a new one: linking and a new epoch take the same lock.

/** An epoch of a controller. Times are ISO 8601 in UTC. */
export interface Epoch {
  readonly version: number;
  readonly since: string;
  /** When the next one began. */
  readonly superseded: string | null;
  readonly destroyed: string | null;
}

/** A controller's epochs, the newest first. */
export async function listEpochs({ sql, controllerId }: ControllerTransaction): Promise<Epoch[]> {
  const rows = await sql<Epoch[]>`
    select version, created_at as since, lead(created_at) over (order by version) as superseded, destroyed_at as destroyed
    from controller_key where controller_id = ${controllerId} and purpose = 'subject' order by version desc`;
  const iso = (time: string | null) => (time === null ? null : new Date(time).toISOString());
  return rows.map(({ version, since, superseded, destroyed }) => ({
    ...{ version, since: new Date(since).toISOString() },
    ...{ superseded: iso(superseded), destroyed: iso(destroyed) },
  }));
}

/**
 * Begins a new epoch if somebody was erased in the current one; at most one a day, because of an erasure only the day is kept:
 * one on the day on which an epoch began counts for it, too. Returns its version, or undefined.
 */
export async function beginEpoch(tx: ControllerTransaction, ring: KeyRing): Promise<number | undefined> {
  await lockController(tx);
  const { sql, controllerId } = tx;
  const [due] = await sql`
    select from (
      select max(created_at) as since from controller_key where controller_id = ${controllerId} and purpose = 'subject') as epoch
    where since < date_trunc('day', now()) and exists (
      select from subject where controller_id = ${controllerId} and status = 'erased' and created_at >= date_trunc('day', since))`;
  return due === undefined ? undefined : ring.addVersion(tx, "subject");
}

/** Subjects that {@link moveToEpoch} moves in one transaction: some milliseconds, in which nobody else can merge them. */
export const EPOCH_BATCH = 500;

/**
 * Moves some of those subjects that are in an older epoch to the current one, from `after` on in the order of their ids: their
 * keys are wrapped anew, and nothing else changes. It waits for nobody: who is being changed just now is left for the next
 * round. Returns how many moved, and where to go on; undefined at the end.
 */
export async function moveToEpoch(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  after: SubjectId | undefined,
  limit = EPOCH_BATCH,
): Promise<{ moved: number; last: SubjectId | undefined }> {
  await knowNewestEpoch(tx, keys);
  const { sql, controllerId } = tx;
  const { version } = keys.current("subject");
  // Locked and of an older epoch when it was: a key is never taken back by whoever works towards an older one.
  const rows = await sql<SubjectKey[]>`
    select id, sealed_key as "sealedKey" from subject where controller_id = ${controllerId} and status <> 'erased'
      and substring(sealed_key from 3 for 4) < ${versionBytes(version)} and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
    order by id limit ${limit} for no key update skip locked`;
  await sql`update subject s set sealed_key = fresh.sealed_key
    from unnest(${rows.map(({ id }) => id)}::uuid[], ${asBytea(rows.map((row) => rewrapSubjectKey(controllerId, keys, row)))}::bytea[]) as fresh(id, sealed_key)
    where s.controller_id = ${controllerId} and s.id = fresh.id`;
  return { moved: rows.length, last: rows.length < limit ? undefined : rows.at(-1)?.id };
}

/** The current epoch's version; nobody else settles or destroys it until the transaction ends. */
export async function lockEpoch({ sql, controllerId }: ControllerTransaction): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    select version from controller_key where controller_id = ${controllerId} and purpose = 'subject' order by version desc limit 1 for update`;
  return row?.version ?? 0;
}

/** How many subjects there are, if all of them are in this epoch, or a later one; undefined otherwise. */
export async function settledIn(
  { sql, controllerId }: ControllerTransaction,
  version: number,
): Promise<number | undefined> {
  const [row] = await sql<{ older: string; subjects: string }[]>`
    select count(*) filter (where substring(sealed_key from 3 for 4) < ${versionBytes(version)}) as older, count(*) as subjects
    from subject where controller_id = ${controllerId} and status <> 'erased'`;
  return Number(row?.older) > 0 ? undefined : Number(row?.subjects);
}

/**
 * Destroys the keys of epochs that were superseded `backupDays` ago, or longer, if nobody is in them any more; nobody can come
 * to be in one that is not the newest. Returns their versions.
 */
export async function destroyEpochs(
  tx: ControllerTransaction,
  { backupDays }: { readonly backupDays: number },
): Promise<number[]> {
  const { sql, controllerId } = tx;
  const due = await sql<{ version: number }[]>`
    select version from (
      select version, destroyed_at, lead(created_at) over (order by version) as superseded
      from controller_key where controller_id = ${controllerId} and purpose = 'subject') as epoch
    where destroyed_at is null and superseded <= now() - make_interval(days => ${backupDays})`;
  if (due.length === 0) return [];
  const rows = await sql<{ version: number }[]>`
    update controller_key set wrapped = null, destroyed_at = now()
    where controller_id = ${controllerId} and purpose = 'subject' and version = any(${due.map(({ version }) => version)}::int[])
      and destroyed_at is null and not exists (
        select from subject where controller_id = ${controllerId} and status <> 'erased'
          and substring(sealed_key from 3 for 4) <= int4send(controller_key.version))
    returning version`;
  if (rows.length > 0) await keysChanged(tx);
  return rows.map(({ version }) => version).sort((a, b) => a - b);
}

/** Who holds the lock of {@link lockController} makes subjects in the newest epoch, whichever process began it. */
export async function knowNewestEpoch(tx: ControllerTransaction, keys: ControllerKeys): Promise<void> {
  if (!keys.knows("subject", await newestEpoch(tx))) await keys.renew(tx);
}

/** Before subjects' keys are used that were read in the transaction: another process may have moved them. */
export async function knowEpochsOf(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  subjects: readonly SubjectKey[],
): Promise<void> {
  if (!subjects.every(({ sealedKey }) => keys.knows("subject", wrappingVersion(sealedKey))))
    await keys.renew(tx);
}

async function newestEpoch({ sql, controllerId }: ControllerTransaction): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    select max(version) as version from controller_key where controller_id = ${controllerId} and purpose = 'subject'`;
  return row?.version ?? 0;
}

/** As it stands in a sealed value (see `vault/sealing.ts`): big-endian, so that bytes compare as numbers do. */
function versionBytes(version: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(version);
  return bytes;
}
