import type { ControllerTransaction } from "#database";
import type { ConnectionId, Did, IdentifierKind, SubjectId, SubjectStatus, SubjectView } from "#schemas";
import type { ControllerKeys } from "#vault";
import { normaliseEmail, normalisePhone } from "./normalise.ts";
import { pseudonym } from "./pseudonym.ts";
import type { SubjectKey } from "./subject.ts";

interface Row {
  readonly id: SubjectId;
  readonly did: Did;
  readonly status: SubjectStatus;
  readonly mergedInto: SubjectId | null;
  readonly createdAt: string;
  readonly identifiers: { kind: IdentifierKind; connection: ConnectionId }[];
}

/** Subjects, newest first, each with its identifiers and those of the subjects merged into it. Merged ones only if asked for. */
export async function listSubjects(
  tx: ControllerTransaction,
  options: { merged?: boolean; limit: number; id?: string },
): Promise<SubjectView[]> {
  const rows = await tx.sql<Row[]>`
    select s.id, s.did, s.status, s.merged_into as "mergedInto", s.created_at as "createdAt",
      (select coalesce(json_agg(json_build_object('kind', known.kind, 'connection', known.connection_id)), '[]'::json) from (
        select distinct i.hash, i.kind, i.connection_id from identifier_source i
        join subject m on m.controller_id = i.controller_id and m.id = i.subject_id
        where i.controller_id = s.controller_id and (m.id = s.id or m.merged_into = s.id)
        order by i.kind) as known) as identifiers
    from subject s
    where s.controller_id = ${tx.controllerId} and (${options.merged === true} or s.status = 'active')
      and (${options.id ?? null}::uuid is null or s.id = ${options.id ?? null}::uuid)
    order by s.created_at desc, s.id limit ${options.limit}`;
  return rows.map((row) => ({
    ...row,
    controller: tx.controllerId,
    createdAt: new Date(row.createdAt).toISOString(),
  }));
}

/** The subject that an e-mail address or a phone number belongs to, if the controller knows it. Phones may belong to several. */
export async function findSubjects(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  by: { email: string } | { phone: string; region?: string | undefined },
): Promise<SubjectView[]> {
  const kind = "email" in by ? "email" : "phone";
  const value = "email" in by ? normaliseEmail(by.email) : normalisePhone(by.phone, [by.region]);
  if (value === undefined) return [];
  const rows = await tx.sql<{ id: SubjectId }[]>`
    select distinct coalesce(s.merged_into, s.id) as id from identifier i
    join subject s on s.controller_id = i.controller_id and s.id = i.subject_id
    where i.controller_id = ${tx.controllerId} and i.kind = ${kind} and i.hash = ${pseudonym(keys, kind, value)}`;
  const found = await Promise.all(rows.map(({ id }) => listSubjects(tx, { id, limit: 1 })));
  return found.flat();
}

/** A subject by its id; the survivor, where it was merged into another. Undefined if the controller has none. */
export async function subjectById(
  { sql, controllerId }: ControllerTransaction,
  id: string,
): Promise<(SubjectKey & { readonly auditReference: Uint8Array; readonly did: Did }) | undefined> {
  const [row] = await sql<(SubjectKey & { auditReference: Uint8Array; did: Did })[]>`
    select s.id, s.did, s.sealed_key as "sealedKey", s.audit_reference as "auditReference" from subject given
    join subject s on s.controller_id = given.controller_id and s.id = coalesce(given.merged_into, given.id)
    where given.controller_id = ${controllerId} and given.id = ${id} and given.status <> 'erased'`;
  return row;
}
