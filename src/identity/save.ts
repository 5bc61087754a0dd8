import { asBytea, type ControllerTransaction } from "#database";
import type { ConnectionId, Personal, SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import type { Identifier } from "./claim.ts";
import { NORMALISER } from "./normalise.ts";
import { sealReference } from "./reference.ts";
import type { Subject } from "./subject.ts";

/** Two subjects turned out to be one person. */
export interface Merge {
  readonly survivor: SubjectId;
  readonly merged: SubjectId;
  /** The delivery, or the act, that tied them. */
  readonly workflowId: string;
}

/** What linking changed, to be written in as many statements as there are kinds of change. */
export interface Changes {
  readonly created: Subject[];
  readonly merges: Merge[];
  readonly identifiers: (Identifier & { subjectId: SubjectId })[];
  readonly sources: (Identifier & { subjectId: SubjectId; connectionId: ConnectionId })[];
  readonly references: { subject: Subject; connectionId: ConnectionId; hash: Uint8Array; value: Personal }[];
  readonly objects: { hash: Uint8Array; subjectId: SubjectId; connectionId: ConnectionId }[];
  readonly candidates: { first: SubjectId; second: SubjectId; reason: string; workflowId: string }[];
}

/** Writes the changes. The statements are sent together and answered in order; a failure of one fails them all. */
export async function saveChanges(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  changes: Changes,
): Promise<void> {
  const { sql, controllerId } = tx;
  const column = <T, K extends keyof T>(rows: readonly T[], key: K): T[K][] => rows.map((row) => row[key]);
  const statements = [
    changes.created.length > 0 &&
      sql`insert into subject (controller_id, id, did, sealed_key, audit_reference)
        select ${controllerId}::uuid, * from unnest(${column(changes.created, "id")}::uuid[], ${column(changes.created, "did")}::text[],
          ${asBytea(column(changes.created, "sealedKey"))}::bytea[], ${asBytea(column(changes.created, "auditReference"))}::bytea[])`,
    changes.identifiers.length > 0 &&
      sql`insert into identifier (controller_id, kind, scope, hash, subject_id, key_version, normaliser)
        select ${controllerId}::uuid, *, ${keys.current("hash").version}::int, ${NORMALISER}
        from unnest(${column(changes.identifiers, "kind")}::text[], ${column(changes.identifiers, "scope")}::uuid[],
          ${asBytea(column(changes.identifiers, "hash"))}::bytea[], ${column(changes.identifiers, "subjectId")}::uuid[])`,
    changes.sources.length > 0 &&
      sql`insert into identifier_source (controller_id, subject_id, hash, kind, connection_id)
        select ${controllerId}::uuid, * from unnest(${column(changes.sources, "subjectId")}::uuid[], ${asBytea(column(changes.sources, "hash"))}::bytea[],
          ${column(changes.sources, "kind")}::text[], ${column(changes.sources, "connectionId")}::uuid[]) on conflict do nothing`,
    changes.references.length > 0 &&
      sql`insert into platform_reference (controller_id, subject_id, connection_id, hash, sealed)
        select ${controllerId}::uuid, * from unnest(${changes.references.map(({ subject }) => subject.id)}::uuid[],
          ${column(changes.references, "connectionId")}::uuid[], ${asBytea(column(changes.references, "hash"))}::bytea[],
          ${asBytea(changes.references.map((r) => sealReference(controllerId, keys, r.subject, r.connectionId, r.value)))}::bytea[])
        on conflict do nothing`,
    changes.objects.length > 0 &&
      sql`insert into object_reference (controller_id, connection_id, hash, subject_id)
        select ${controllerId}::uuid, * from unnest(${column(changes.objects, "connectionId")}::uuid[], ${asBytea(column(changes.objects, "hash"))}::bytea[],
          ${column(changes.objects, "subjectId")}::uuid[]) on conflict do nothing`,
    changes.candidates.length > 0 &&
      sql`insert into candidate_link (controller_id, first_subject, second_subject, reason, delivery_id)
        select ${controllerId}::uuid, * from unnest(${column(changes.candidates, "first")}::uuid[], ${column(changes.candidates, "second")}::uuid[],
          ${column(changes.candidates, "reason")}::text[], ${column(changes.candidates, "workflowId")}::uuid[]) on conflict do nothing`,
  ];
  await Promise.all(statements.filter((statement) => statement !== false));
  for (const merge of changes.merges) await saveMerge(tx, merge);
}

/** Points the merged subject, and those merged into it before, at the survivor; notes who moved, so that it can be undone. */
async function saveMerge({ sql, controllerId }: ControllerTransaction, merge: Merge): Promise<void> {
  await sql`
    with moved as (
      update subject set merged_into = ${merge.survivor} where controller_id = ${controllerId} and merged_into = ${merge.merged} returning id
    ), gone as (
      update subject set status = 'merged', merged_into = ${merge.survivor} where controller_id = ${controllerId} and id = ${merge.merged}
    ), restricted as (
      update subject s set restricted_at = m.restricted_at, restriction = m.restriction, restricted_by = m.restricted_by from subject m
      where m.controller_id = ${controllerId} and m.id = ${merge.merged} and m.restriction is not null
        and s.controller_id = ${controllerId} and s.id = ${merge.survivor} and s.restriction is distinct from 'restriction'
    )
    insert into subject_merge (controller_id, merged_subject, surviving_subject, delivery_id, moved)
    select ${controllerId}::uuid, ${merge.merged}::uuid, ${merge.survivor}::uuid, ${merge.workflowId}::uuid, coalesce(array_agg(id), '{}') from moved`;
}
