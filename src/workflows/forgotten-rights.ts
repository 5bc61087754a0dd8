import type { ControllerTransaction } from "#database";
import type { RightsRequestId } from "#schemas";
import type { Announcement } from "./outbox.ts";

/**
 * What waits for the hub and no runtime seems to know of: a workflow server can lose events that it took. Those of a
 * task carry its next round, so that a run that is only slow ends without an effect.
 */
export async function forgottenRights({ sql, controllerId }: ControllerTransaction): Promise<Announcement[]> {
  const requests = await sql<{ id: RightsRequestId; status: string; settled: boolean; round: number }[]>`
    update rights_request r set announced_at = now() where controller_id = ${controllerId} and closed_at is null
      and announced_at < now() - interval '20 minutes' and (status in ('received', 'approved') or status = 'fulfilling' and not exists (
        select from rights_task t where t.controller_id = r.controller_id and t.request_id = r.id and t.connection_id is not null
          and t.status in ('open', 'asked', 'manual', 'failed') and t.reason is distinct from 'given_up'))
    returning id, status, clock_round as round`;
  const tasks = await sql<{ taskId: string; connectionId: string; round: number }[]>`
    update rights_task set announced_at = now(), round = round + 1 where controller_id = ${controllerId} and connection_id is not null
      and status in ('open', 'asked') and announced_at < now() - interval '40 days'
    returning id as "taskId", connection_id as "connectionId", round`;
  const notices = await sql<{ noticeId: string; requestId: RightsRequestId }[]>`
    update rights_notice set announced_at = now() where controller_id = ${controllerId} and status = 'open'
      and announced_at < now() - interval '6 hours' returning id as "noticeId", request_id as "requestId"`;
  const names = {
    received: "rights/requested",
    approved: "rights/approved",
    fulfilling: "rights/settled",
  } as const;
  return [
    ...requests.map(({ id: requestId, status }) => ({
      name: names[status as keyof typeof names],
      data: { controllerId, requestId },
    })),
    ...tasks.map((task) => ({ name: "rights/task" as const, data: { controllerId, ...task } })),
    ...notices.map((notice) => ({ name: "rights/notice" as const, data: { controllerId, ...notice } })),
  ] as Announcement[];
}
