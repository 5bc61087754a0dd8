import type { ControllerTransaction } from "#database";
import type { ConnectionId, ControllerId, Personal, Sealed, SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { openForSubject, type SubjectKey, sealForSubject } from "./subject.ts";

/** Seals a platform's own id of the person under the person's key: how to find them there later. */
export function sealReference(
  controllerId: ControllerId,
  keys: ControllerKeys,
  subject: SubjectKey,
  connectionId: string,
  value: Personal,
): Sealed<string> {
  return sealForSubject(controllerId, keys, subject, placeOf(subject.id, connectionId), value.reveal());
}

/** The ids by which a connection's platform knows a subject, or somebody merged into it, the latest first. Open: for use within one step. */
export async function platformReferences(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  subject: SubjectId,
  connectionId: ConnectionId,
): Promise<Personal[]> {
  const rows = await sql<(SubjectKey & { sealed: Sealed<string> })[]>`
    select s.id, s.sealed_key as "sealedKey", r.sealed from platform_reference r
    join subject s on s.controller_id = r.controller_id and s.id = r.subject_id
    where r.controller_id = ${controllerId} and r.connection_id = ${connectionId}
      and r.subject_id in (
        select ${subject}::uuid union all
        select id from subject where controller_id = ${controllerId} and merged_into = ${subject})
    order by r.created_at desc, r.hash`;
  return rows.map(({ sealed, ...holder }) =>
    openForSubject(controllerId, keys, holder, placeOf(holder.id, connectionId), sealed),
  );
}

const placeOf = (subject: SubjectId, connectionId: string) => ({
  what: "platform-reference",
  recordId: `${subject}:${connectionId}`,
});
