import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Database } from "#database";
import {
  beginErasure,
  claimOf,
  endErasure,
  linkClaims,
  listEpochs,
  openForSubject,
  platformReferences,
  referencesAt,
  type SubjectKey,
} from "#identity";
import { type SubjectRecord, subject } from "#kit";
import { AuditEntry, type ConnectionId, type ControllerId, Personal, type Sealed } from "#schemas";
import { createKeyRing, type KeyRing, masterKeyFromEnvironment } from "#vault";
import { contactsOf, keepContacts } from "../../src/consent/contact.ts";
import { retireSubjectKeys } from "../../src/workflows/retire-subject-keys.ts";
import { freshRooms, type TestRooms } from "./rooms.ts";

export const BACKUP_DAYS = 30;

/** A controller with one connection. */
export const at = {} as { rooms: TestRooms; controllerId: ControllerId; shopify: ConnectionId };

/** A database for the file, a controller for each test. */
export function useEpochs(): void {
  beforeAll(async () => {
    at.rooms = await freshRooms();
  });
  afterAll(() => at.rooms.drop());
  beforeEach(anew);
}

export async function anew(): Promise<void> {
  at.controllerId = await at.rooms.controller();
  at.shopify = (await at.rooms.connection(at.controllerId, "shopify")).id;
}

/** What a process has of its own when it starts: a key ring with nothing in memory. */
export const start = () => createKeyRing(at.rooms.database, masterKeyFromEnvironment(at.rooms.masterKey));

export const retire = (
  ring: KeyRing,
  { database = at.rooms.database, backupDays = BACKUP_DAYS, batch = 2 } = {},
) =>
  retireSubjectKeys({ database, ring, rights: { backupDays }, committed: () => {} }, at.controllerId, {
    batch,
  });

/** Makes a person known, by a platform's id and an address that is kept. */
export async function link(name: string, ring: KeyRing): Promise<SubjectKey> {
  const keys = await ring.keys(at.controllerId);
  return at.rooms.database.inController(at.controllerId, async (tx) => {
    const person = subject({ platformId: `id-${name}`, email: `${name}@example.com` }) as SubjectRecord;
    const claim = claimOf(keys, { workflowId: uuidv7(), connectionId: at.shopify, region: null }, person);
    const linked = (await linkClaims(tx, keys, [claim])).subjects.get(claim);
    if (linked === undefined) throw new Error("nobody was linked");
    const { subjectId: id, sealedKey } = linked;
    const emails = [new Personal(`${name}@example.com`)];
    await keepContacts(tx, keys, [{ emails, phones: [], subject: { id, sealedKey } }]);
    return { id, sealedKey };
  });
}

/** Erases somebody; then it is the next day. */
export async function erase({ id }: SubjectKey): Promise<void> {
  await at.rooms.database.inController(at.controllerId, async (tx) => {
    const leaving = await beginErasure(tx, id);
    if (leaving === undefined) throw new Error("nobody to erase");
    await tx.sql`delete from consent_contact where controller_id = ${at.controllerId} and subject_id = ${id}`;
    await endErasure(tx, leaving);
  });
  await daysPass(1);
}

/** What the hub still knows of somebody, opened: the platform's id, and the address. */
export async function read({ id }: SubjectKey, ring: KeyRing): Promise<(string | undefined)[]> {
  const keys = await ring.keys(at.controllerId);
  return at.rooms.database.inController(at.controllerId, async (tx) => [
    (await platformReferences(tx, keys, [id])).get(referencesAt(id, at.shopify))?.[0]?.reveal(),
    (await contactsOf(tx, keys, [id])).get(id)?.emails[0]?.reveal(),
  ]);
}
export const nameOf = (name: string) => [`id-${name}`, `${name}@example.com`];

/** What a backup has of somebody: the sealed key, and something that is sealed under it. */
export async function backup({ id }: SubjectKey): Promise<{ holder: SubjectKey; sealed: Sealed<string> }> {
  const [row] = await at.rooms.superuser(
    (sql) => sql<{ sealedKey: SubjectKey["sealedKey"]; sealed: Sealed<string> }[]>`
      select s.sealed_key as "sealedKey", r.sealed from subject s join platform_reference r on r.subject_id = s.id where s.id = ${id}`,
  );
  if (row === undefined) throw new Error("nothing to back up");
  return { holder: { id, sealedKey: row.sealedKey }, sealed: row.sealed };
}

export async function openBackup(ring: KeyRing, { holder, sealed }: Awaited<ReturnType<typeof backup>>) {
  const place = { what: "platform-reference", recordId: `${holder.id}:${at.shopify}` };
  return openForSubject(at.controllerId, await ring.keys(at.controllerId), holder, place, sealed).reveal();
}

/** Everything becomes so many days older. */
export const daysPass = (days: number) =>
  at.rooms.superuser(async (sql) => {
    for (const table of ["controller_key", "subject"])
      await sql`update ${sql(table)} set created_at = created_at - make_interval(days => ${days}) where controller_id = ${at.controllerId}`;
  });

export const epochs = () => at.rooms.database.inController(at.controllerId, listEpochs);
export const inUse = () =>
  at.rooms.superuser(async (sql) => {
    const rows = await sql<{ v: number }[]>`
      select distinct get_byte(sealed_key, 5) as v from subject where controller_id = ${at.controllerId} and status <> 'erased' order by 1`;
    return rows.map(({ v }) => v);
  });
export const logged = () =>
  at.rooms.superuser(async (sql) => {
    const rows = await sql<{ entry: Buffer }[]>`
      select entry from audit_event where controller_id = ${at.controllerId} order by id`;
    return rows
      .map(({ entry }) => AuditEntry.parse(JSON.parse(entry.toString("utf8"))))
      .filter(({ type }) => type.startsWith("keys."))
      .map(({ type, entity, subject: whom }) => [type, entity, whom]);
  });

/** A database that is gone after so many transactions, as when the process is killed. */
export function killedAfter(transactions: number): Database {
  let left = transactions;
  return {
    ...at.rooms.database,
    inController: (...given) => {
      if (left-- <= 0) throw new Error("killed");
      return at.rooms.database.inController(...given);
    },
  };
}
