import type { ControllerTransaction } from "#database";
import type { RightsRequestId } from "#schemas";
import type { Announcement } from "./outbox.ts";
import { expireRights } from "./rights-moves.ts";

/** Requests of one controller that are ended at a time. */
const MOST = 100;

interface Found {
  readonly requestId: RightsRequestId;
}

/**
 * What waits for the hub and no runtime seems to know of: a workflow server can lose events that it took, and sleeps. Those of
 * a task or a clock carry its next round, so that a run that is only slow ends without an effect.
 */
export async function forgottenRights(tx: ControllerTransaction): Promise<Announcement[]> {
  const { controllerId } = tx;
  await endUnconfirmed(tx);
  const announced = <N extends Announcement["name"]>(name: N, found: readonly object[]) =>
    found.map((data) => ({ name, data: { controllerId, ...data } }));
  return [
    ...announced("rights/requested", await unbegun(tx)),
    ...announced("rights/approved", await unplanned(tx)),
    ...announced("rights/settled", await unconcluded(tx)),
    ...announced("rights/task", await lostTasks(tx)),
    ...announced("rights/notice", await lostNotices(tx)),
    ...announced("rights/clock", await lostClocks(tx)),
  ] as Announcement[];
}

/** Also what a platform asked for and a legal hold kept: whether it was released is looked at where it would be approved. */
const unbegun = ({ sql, controllerId }: ControllerTransaction) => sql<Found[]>`
  update rights_request set announced_at = now() where controller_id = ${controllerId} and closed_at is null
    and (status = 'received' and announced_at < now() - interval '20 minutes'
      or status = 'verified' and source = 'platform' and announced_at < now() - interval '1 hour')
  returning id as "requestId"`;

const unplanned = ({ sql, controllerId }: ControllerTransaction) => sql<Found[]>`
  update rights_request set announced_at = now() where controller_id = ${controllerId} and status = 'approved'
    and announced_at < now() - interval '20 minutes' returning id as "requestId"`;

const unconcluded = ({ sql, controllerId }: ControllerTransaction) => sql<Found[]>`
  update rights_request r set announced_at = now() where controller_id = ${controllerId} and status = 'fulfilling'
    and announced_at < now() - interval '20 minutes' and not exists (
      select from rights_task t where t.controller_id = r.controller_id and t.request_id = r.id and t.connection_id is not null
        and t.status in ('open', 'asked', 'manual', 'failed') and t.reason is distinct from 'given_up')
  returning id as "requestId"`;

/**
 * The tries of a task end within hours; what was asked for is looked at for a month (`LOOK_AGAIN`), and so is, without being
 * asked for, what is done by consent.
 */
const lostTasks = ({ sql, controllerId }: ControllerTransaction) => sql<object[]>`
  update rights_task t set announced_at = now(), round = t.round + 1 from rights_request r
    where t.controller_id = ${controllerId} and r.controller_id = t.controller_id and r.id = t.request_id
      and t.connection_id is not null and t.status in ('open', 'asked') and t.announced_at < now() - case
        when t.status = 'open' and r.kind in ('access', 'portability', 'rectification', 'erasure') then interval '1 day'
        else interval '40 days' end
  returning t.id as "taskId", t.connection_id as "connectionId", t.round`;

const lostNotices = ({ sql, controllerId }: ControllerTransaction) => sql<object[]>`
  update rights_notice set announced_at = now() where controller_id = ${controllerId} and status = 'open'
    and announced_at < now() - interval '6 hours' returning id as "noticeId", request_id as "requestId"`;

/**
 * Somebody should have been reminded of the answer's deadline (a week and a day before, and after it: `remindersOf`), and for
 * half a day was not. What was done before a hub knew of clocks (`infinity`) is nobody's to be reminded of.
 */
const lostClocks = ({ sql, controllerId }: ControllerTransaction) => sql<object[]>`
  update rights_request r set clock_round = clock_round + 1 where controller_id = ${controllerId} and closed_at is null
    and announced_at < 'infinity' and exists (select from unnest(array[7, 1, 0]) as days
      where due_at - days * interval '1 day' < now() - interval '12 hours'
        and greatest(received_at, verified_at) < due_at - (days + 1) * interval '1 day'
        and not exists (select from rights_notice n where n.controller_id = r.controller_id and n.request_id = r.id
          and n.notice in ('reminder', 'overdue') and n.created_at >= due_at - (days + 1) * interval '1 day'))
  returning id as "requestId", clock_round as round`;

/** Those whose message ran out an hour ago, and nobody woke up. Without any message somebody has to verify. */
async function endUnconfirmed(tx: ControllerTransaction): Promise<void> {
  const { sql, controllerId } = tx;
  const ended = await sql<{ id: RightsRequestId }[]>`
    select id from rights_request r where controller_id = ${controllerId} and status = 'verifying' and source = 'api' and (
      select max(expires_at) from rights_challenge c where c.controller_id = r.controller_id and c.request_id = r.id
    ) < now() - interval '1 hour' order by id limit ${MOST}`;
  for (const { id } of ended) await expireRights(tx, id);
}
