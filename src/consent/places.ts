import type { ControllerTransaction } from "#database";
import type { ConnectionId, Purpose, SubjectId } from "#schemas";
import { withMerged } from "./history.ts";

/** A subject at a platform that knows them. */
export interface Place {
  readonly subjectId: SubjectId;
  readonly auditReference: Uint8Array;
  readonly connectionId: ConnectionId;
  readonly connector: string;
  readonly account: string | null;
  /** Which of the company's own lists there are which purposes. */
  readonly purposes: Readonly<Record<string, Purpose>>;
  readonly hasCredentials: boolean;
  /** How many ids of its own the platform has of them. */
  readonly references: number;
}

/** The connections that know each subject, or somebody merged into it, and are in use. */
export async function placesOf(tx: ControllerTransaction, subjects: readonly SubjectId[]): Promise<Place[]> {
  const { sql, controllerId } = tx;
  return sql<Place[]>`
    select k.survivor as "subjectId", s.audit_reference as "auditReference", n.id as "connectionId", n.connector, n.account, n.purposes,
      n.credentials is not null as "hasCredentials", (
        select count(*)::int from ${withMerged(tx, subjects)} join platform_reference r
          on r.controller_id = ${controllerId} and r.subject_id = w.id and r.connection_id = n.id
        where w.survivor = k.survivor) as references
    from (
      select distinct w.survivor, i.connection_id from ${withMerged(tx, subjects)} cross join lateral (
        select connection_id from identifier_source where controller_id = ${controllerId} and subject_id = w.id offset 0) as i
    ) as k
    cross join lateral (select audit_reference from subject where controller_id = ${controllerId} and id = k.survivor offset 0) as s
    join connection n on n.controller_id = ${controllerId} and n.id = k.connection_id and n.status = 'active'
    order by k.survivor, n.created_at, n.id`;
}
