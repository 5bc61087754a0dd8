import type { ControllerTransaction } from "#database";
import type { RightsRequestId } from "#schemas";
import { shredDetails } from "./details.ts";

/** What identified somebody goes with the request's end, or when they were told; a week later in any case. Returns of how many. */
export async function shredClosed(tx: ControllerTransaction, limit: number): Promise<number> {
  const { sql, controllerId } = tx;
  const left = await sql<{ id: RightsRequestId }[]>`
    select id from rights_request r where controller_id = ${controllerId} and closed_at < now() - interval '7 days'
      and (details is not null or contact is not null or exists (
        select from rights_task t where t.controller_id = r.controller_id and t.request_id = r.id and t.asked is not null))
    order by id limit ${limit}`;
  for (const { id } of left) await shredDetails(tx, id);
  return left.length;
}

/**
 * Removes what is told of requests that closed before that time: how they moved, what was done where, who was told. Not of one
 * by which somebody's data is still restricted, nor of somebody under a legal hold. Returns how many there were.
 */
export async function removeRequests(
  { sql, controllerId }: ControllerTransaction,
  { before, limit }: { before: Date; limit: number },
): Promise<number> {
  const old = await sql<{ id: RightsRequestId }[]>`
    delete from rights_request r where controller_id = ${controllerId} and id in (
      select id from rights_request o where controller_id = ${controllerId} and closed_at < ${before.toISOString()}
        and details is null and not exists (
          select from subject s where s.controller_id = o.controller_id and s.restricted_by = o.id)
        and not exists (
          select from subject asked
            join subject s on s.controller_id = asked.controller_id and coalesce(s.merged_into, s.id) = coalesce(asked.merged_into, asked.id)
            join legal_hold h on h.controller_id = s.controller_id and h.subject_id = s.id and h.released_at is null
          where asked.controller_id = o.controller_id and asked.id = o.subject_id)
      order by id limit ${limit})
    returning id`;
  const ids = old.map(({ id }) => id);
  for (const table of OF_REQUESTS)
    await sql`delete from ${sql(table)} where controller_id = ${controllerId} and request_id = any(${ids}::uuid[])`;
  return ids.length;
}

const OF_REQUESTS = [
  "rights_task",
  "rights_notice",
  "rights_move",
  "rights_challenge",
  "rights_part",
  "rights_bundle",
];
