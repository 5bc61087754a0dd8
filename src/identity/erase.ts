import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import { type ConnectionId, SubjectId } from "#schemas";
import type { Identifier } from "./claim.ts";
import { didOf } from "./did.ts";
import { lockController } from "./known.ts";

/** A subject that is about to be erased. */
export interface Leaving {
  /** The subject, and those merged into it. */
  readonly family: readonly SubjectId[];
  /** Whose the records are from now on: a fresh id, from which nothing leads back. */
  readonly heir: SubjectId;
}

/**
 * Begins the erasure of a subject: nothing new can be linked to it until the transaction ends, in which every room hands the
 * records of `family` to `heir` and {@link endErasure} closes. Undefined if there is no such subject (any more).
 */
export async function beginErasure(
  tx: ControllerTransaction,
  subject: SubjectId,
): Promise<Leaving | undefined> {
  await lockController(tx);
  const { sql, controllerId } = tx;
  const rows = await sql<{ id: SubjectId }[]>`
    select s.id from subject given join subject s on s.controller_id = given.controller_id
      and (s.id = coalesce(given.merged_into, given.id) or s.merged_into = coalesce(given.merged_into, given.id))
    where given.controller_id = ${controllerId} and given.id = ${subject} and given.status <> 'erased'`;
  if (rows.length === 0) return undefined;
  return { family: rows.map(({ id }) => id), heir: SubjectId.parse(uuid()) };
}

/**
 * Destroys the subjects' keys with all that was sealed under them, and everything by which they could be found. Returns what
 * they were known by, for {@link raiseTombstones}.
 */
export async function endErasure(
  { sql, controllerId }: ControllerTransaction,
  { family, heir }: Leaving,
): Promise<readonly Identifier[]> {
  const ids = [...family];
  const known = await sql<Identifier[]>`
    select distinct kind, scope, hash from identifier where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[])`;
  for (const table of ["identifier_source", "platform_reference", "object_reference", "identifier"])
    await sql`delete from ${sql(table)} where controller_id = ${controllerId} and subject_id = any(${ids}::uuid[])`;
  await sql`delete from candidate_link where controller_id = ${controllerId}
    and (first_subject = any(${ids}::uuid[]) or second_subject = any(${ids}::uuid[]))`;
  await sql`delete from subject_merge where controller_id = ${controllerId}
    and (merged_subject = any(${ids}::uuid[]) or surviving_subject = any(${ids}::uuid[]))`;
  await sql`delete from subject where controller_id = ${controllerId} and id = any(${ids}::uuid[])`;
  const nothing = Buffer.alloc(0);
  // To the day only: the time would tell of which request it was.
  await sql`insert into subject (controller_id, id, did, status, sealed_key, audit_reference, created_at)
    values (${controllerId}, ${heir}, ${didOf("subject", heir)}, 'erased', ${nothing}, ${nothing}, date_trunc('day', clock_timestamp()))`;
  return known;
}

/**
 * People who are known through this connection and nothing else, but for those in `except`: by no other connection, nothing
 * that no platform told (a site that vouched for them), and no choice that they made elsewhere (a browser's opt-out, what an
 * operator took down), which outlives the account. At most `limit` at a time.
 */
export async function onlyKnownThrough(
  { sql, controllerId }: ControllerTransaction,
  connectionId: ConnectionId,
  { except, limit }: { readonly except: readonly SubjectId[]; readonly limit: number },
): Promise<SubjectId[]> {
  const rows = await sql<{ id: SubjectId }[]>`
    select distinct coalesce(s.merged_into, s.id) as id from identifier_source i
    join subject s on s.controller_id = i.controller_id and s.id = i.subject_id
    where i.controller_id = ${controllerId} and i.connection_id = ${connectionId}
      and coalesce(s.merged_into, s.id) <> all(${[...except]}::uuid[]) and not exists (
      select from identifier_source other
      join subject o on o.controller_id = other.controller_id and o.id = other.subject_id
      where other.controller_id = i.controller_id and other.connection_id <> ${connectionId}
        and coalesce(o.merged_into, o.id) = coalesce(s.merged_into, s.id))
      and not exists (
      select from identifier own join subject o on o.controller_id = own.controller_id and o.id = own.subject_id
      where own.controller_id = i.controller_id and coalesce(o.merged_into, o.id) = coalesce(s.merged_into, s.id) and not exists (
        select from identifier_source told where told.controller_id = own.controller_id and told.subject_id = own.subject_id
          and told.hash = own.hash and told.kind = own.kind))
      and not ${choseElsewhere(sql, sql`coalesce(s.merged_into, s.id)`)}
    limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Whether the family of a survivor has a choice on record that came through no connection. */
const choseElsewhere = (sql: ControllerTransaction["sql"], survivor: ReturnType<typeof sql>) => sql`exists (
  select from subject f join consent_record c on c.controller_id = f.controller_id and c.subject_id = f.id
  where f.controller_id = s.controller_id and (f.id = ${survivor} or f.merged_into = ${survivor}) and c.connection_id is null)`;

/**
 * What this connection's platform knew people by goes, also of those who are known through others. But an address stays of
 * whoever made a choice elsewhere: without it the choice would hold for nobody.
 */
export async function forgetConnection(
  { sql, controllerId }: ControllerTransaction,
  connectionId: ConnectionId,
): Promise<void> {
  await sql`delete from platform_reference where controller_id = ${controllerId} and connection_id = ${connectionId}`;
  await sql`delete from object_reference where controller_id = ${controllerId} and connection_id = ${connectionId}`;
  await sql`
    with gone as (
      delete from identifier_source where controller_id = ${controllerId} and connection_id = ${connectionId}
      returning subject_id, hash, kind)
    delete from identifier i using gone where i.controller_id = ${controllerId} and i.subject_id = gone.subject_id
      and i.hash = gone.hash and i.kind = gone.kind and not exists (
        select from identifier_source other where other.controller_id = i.controller_id and other.subject_id = i.subject_id
          and other.hash = i.hash and other.kind = i.kind and other.connection_id <> ${connectionId})
      and not (i.kind = 'email' and exists (select from subject s where s.controller_id = i.controller_id and s.id = i.subject_id
        and ${choseElsewhere(sql, sql`coalesce(s.merged_into, s.id)`)}))`;
}
