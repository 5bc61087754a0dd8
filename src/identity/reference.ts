import type { ControllerTransaction } from "#database";
import type { ConnectionId, ControllerId, Personal, Sealed, SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { knowEpochsOf } from "./epochs.ts";
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

/**
 * The ids by which platforms know subjects, and those merged into them, the latest first: by subject and connection (see
 * {@link referencesAt}). Open: for use within one step.
 */
export async function platformReferences(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  subjects: readonly SubjectId[],
): Promise<Map<string, Personal[]>> {
  const { sql, controllerId } = tx;
  const rows = await sql<
    (SubjectKey & { survivor: SubjectId; connectionId: ConnectionId; sealed: Sealed<string> })[]
  >`
    select w.survivor, s.id, s.sealed_key as "sealedKey", r.connection_id as "connectionId", r.sealed
    from (
      select id as survivor, id from unnest(${[...subjects]}::uuid[]) as wanted(id)
      union all
      select wanted.id, m.id from unnest(${[...subjects]}::uuid[]) as wanted(id) cross join lateral (
        select id from subject where controller_id = ${controllerId} and merged_into = wanted.id offset 0) as m
    ) as w
    cross join lateral (
      select connection_id, sealed, created_at, hash from platform_reference where controller_id = ${controllerId} and subject_id = w.id offset 0) as r
    join subject s on s.controller_id = ${controllerId} and s.id = w.id
    order by r.created_at desc, r.hash`;
  await knowEpochsOf(tx, keys, rows);
  const opened = rows.map(({ sealed, survivor, connectionId, ...holder }) => ({
    key: referencesAt(survivor, connectionId),
    value: openForSubject(controllerId, keys, holder, placeOf(holder.id, connectionId), sealed),
  }));
  return new Map(
    [...Map.groupBy(opened, ({ key }) => key)].map(([key, all]) => [key, all.map(({ value }) => value)]),
  );
}

export const referencesAt = (subject: SubjectId, connectionId: ConnectionId) => `${subject} ${connectionId}`;

const placeOf = (subject: SubjectId, connectionId: string) => ({
  what: "platform-reference",
  recordId: `${subject}:${connectionId}`,
});
