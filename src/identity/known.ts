import { asBytea, type ControllerTransaction } from "#database";
import type { ConnectionId, Did, IdentifierKind, Sealed, SubjectId } from "#schemas";
import type { Claim, Identifier } from "./claim.ts";
import type { Subject } from "./subject.ts";

export interface KnownIdentifier extends Identifier {
  readonly subjectId: SubjectId;
  readonly connections: Set<ConnectionId>;
}

interface Row {
  readonly kind: IdentifierKind;
  readonly scope: string;
  readonly hash: Uint8Array;
  readonly subjectId: SubjectId;
  readonly connections: ConnectionId[] | null;
}

interface SubjectRow {
  readonly id: SubjectId;
  readonly did: Did;
  readonly mergedInto: SubjectId | null;
  readonly sealedKey: Sealed<never>;
  readonly auditReference: Uint8Array;
  readonly restriction: Subject["restriction"];
  readonly order: string;
}

/** One linking at a time a controller: two that make the same new subject would make it twice. Ends with the transaction. */
export async function lockController({ sql, controllerId }: ControllerTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`lethe:link:${controllerId}`}, 0))`;
}

/** Everything that is known of whom the claims may be about. */
export async function knownTo(tx: ControllerTransaction, claims: readonly Claim[]) {
  const [identifiers, objects] = await Promise.all([knownIdentifiers(tx, claims), knownObjects(tx, claims)]);
  const rows = await subjectsWithSurvivors(tx, [
    ...identifiers.map(({ subjectId }) => subjectId),
    ...objects.values(),
  ]);
  return {
    identifiers,
    objects,
    subjects: rows.map((row): Subject => ({ ...row, order: Number(row.order) })),
    mergedInto: new Map(
      rows.flatMap(({ id, mergedInto }) => (mergedInto === null ? [] : [[id, mergedInto] as const])),
    ),
  };
}

/*
 * Each look-up is a subquery of its own for every key, fenced by OFFSET 0: on tables without statistics yet, or under a
 * plan that was made when they were small, the planner would read all of a controller's rows instead.
 */

async function knownIdentifiers(
  { sql, controllerId }: ControllerTransaction,
  claims: readonly Claim[],
): Promise<KnownIdentifier[]> {
  const hashes = claims.flatMap(({ strong, weak }) => [...strong, ...weak].map(({ hash }) => hash));
  const rows = await sql<Row[]>`
    select i.* from unnest(${[...new Set(asBytea(hashes))]}::bytea[]) as wanted(hash) cross join lateral (
      select i.kind, i.scope, i.hash, i.subject_id as "subjectId",
        (select json_agg(s.connection_id) from identifier_source s
         where s.controller_id = ${controllerId} and s.subject_id = i.subject_id and s.hash = i.hash and s.kind = i.kind) as connections
      from identifier i where i.controller_id = ${controllerId} and i.hash = wanted.hash offset 0) as i`;
  return rows.map((row) => ({ ...row, connections: new Set(row.connections ?? []) }));
}

async function subjectsWithSurvivors(
  { sql, controllerId }: ControllerTransaction,
  ids: SubjectId[],
): Promise<SubjectRow[]> {
  if (ids.length === 0) return [];
  // `merged_into` always names the end of the chain, so one look further finds every survivor.
  return sql<SubjectRow[]>`
    with held as (
      select s.* from unnest(${[...new Set(ids)]}::uuid[]) as wanted(id) cross join lateral (
        select * from subject where controller_id = ${controllerId} and id = wanted.id offset 0) as s
    ), survivors as (
      select s.* from (select distinct merged_into from held where merged_into is not null) as wanted(id) cross join lateral (
        select * from subject where controller_id = ${controllerId} and id = wanted.id offset 0) as s
      where s.id not in (select id from held)
    )
    select id, did, merged_into as "mergedInto", sealed_key as "sealedKey", audit_reference as "auditReference", restriction,
      extract(epoch from created_at) * 1000000 as "order"
    from (select * from held union all select * from survivors) as s`;
}

/** Subjects by an object of theirs, as far as the claims name any. */
async function knownObjects(
  { sql, controllerId }: ControllerTransaction,
  claims: readonly Claim[],
): Promise<Map<string, SubjectId>> {
  const wanted = claims.flatMap(({ objects, connectionId }) =>
    connectionId === null ? [] : objects.map((hash) => ({ hash, connectionId })),
  );
  if (wanted.length === 0) return new Map();
  const rows = await sql<{ connectionId: ConnectionId; hash: Uint8Array; subjectId: SubjectId }[]>`
    select o.* from unnest(${wanted.map(({ connectionId }) => connectionId)}::uuid[],
      ${asBytea(wanted.map(({ hash }) => hash))}::bytea[]) as wanted(connection_id, hash) cross join lateral (
      select connection_id as "connectionId", hash, subject_id as "subjectId" from object_reference
      where controller_id = ${controllerId} and connection_id = wanted.connection_id and hash = wanted.hash offset 0) as o`;
  return new Map(rows.map((row) => [objectKey(row, row.hash), row.subjectId]));
}

/** Object ids mean nothing outside of their connection. */
export function objectKey({ connectionId }: { connectionId: ConnectionId | null }, hash: Uint8Array): string {
  return `${connectionId} ${Buffer.from(hash).toString("hex")}`;
}

/** The subject that a claim's own identifiers belong to, if it is known; nothing is locked, and nothing changed. */
export async function findByClaim(tx: ControllerTransaction, claim: Claim): Promise<SubjectId | undefined> {
  const known = await knownTo(tx, [claim]);
  const strong = new Set(claim.strong.map(({ kind, scope, hash }) => keyOf(kind, scope, hash)));
  const owner = known.identifiers.find(({ kind, scope, hash }) => strong.has(keyOf(kind, scope, hash)));
  return owner === undefined ? undefined : (known.mergedInto.get(owner.subjectId) ?? owner.subjectId);
}

const keyOf = (kind: IdentifierKind, scope: string, hash: Uint8Array) =>
  `${kind} ${scope} ${Buffer.from(hash).toString("hex")}`;
