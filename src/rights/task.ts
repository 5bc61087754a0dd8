import type { ControllerTransaction } from "#database";
import type {
  ConnectionId,
  ControllerId,
  DataCategory,
  LawfulBasis,
  RightsKind,
  RightsRequestId,
  RightsTaskId,
  RightsTaskReason,
  RightsTaskStatus,
  Sealed,
} from "#schemas";
import { type ControllerKeys, open, seal } from "#vault";
import { rightsErrors } from "./errors.ts";
import type { PlannedTask } from "./plan.ts";
import type { RightsRequest } from "./request.ts";
import { isClosed } from "./states.ts";

/** What is to be done for a request at one platform; by the hub itself, where there is no connection. */
export interface Task {
  readonly id: RightsTaskId;
  readonly requestId: RightsRequestId;
  readonly kind: RightsKind;
  readonly connectionId: ConnectionId | null;
  readonly connector: string | null;
  readonly account: string | null;
  /** The connection is in use. */
  readonly active: boolean;
  readonly status: RightsTaskStatus;
  readonly reason: RightsTaskReason | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly attempts: number;
  readonly round: number;
  readonly entries: number | null;
  readonly basis: LawfulBasis | null;
  readonly categories: readonly DataCategory[] | null;
  readonly until: string | null;
  readonly actor: string | null;
  readonly note: Sealed<string> | null;
  readonly asked: Sealed<Asked[]> | null;
  readonly settledAt: string | null;
}

export async function tasksOf(
  { sql, controllerId }: ControllerTransaction,
  by: { requests?: readonly string[]; id?: string; lock?: boolean },
): Promise<Task[]> {
  const { requests = null, id = null, lock = false } = by;
  const rows = await sql<Task[]>`
    select t.id, t.request_id as "requestId", r.kind, t.connection_id as "connectionId", n.connector, n.account, coalesce(n.status = 'active', false) as active,
      t.status, t.reason, t.error_code as "errorCode", t.error_message as "errorMessage", t.attempts, t.round, t.entries, t.basis, t.categories,
      t.until_at as until, t.actor, t.note, t.asked, t.settled_at as "settledAt"
    from rights_task t
    join rights_request r on r.controller_id = t.controller_id and r.id = t.request_id
    left join connection n on n.controller_id = t.controller_id and n.id = t.connection_id
    where t.controller_id = ${controllerId} and (${id}::uuid is null or t.id = ${id}::uuid)
      and (${requests === null ? null : [...requests]}::uuid[] is null or t.request_id = any(${requests === null ? null : [...requests]}::uuid[]))
    order by t.connection_id is null, t.created_at, t.id ${lock ? sql`for update of t` : sql``}`;
  const iso = (time: string | null) => (time === null ? null : new Date(time).toISOString());
  return rows.map((row) => ({ ...row, until: iso(row.until), settledAt: iso(row.settledAt) }));
}

export async function findTask(
  tx: ControllerTransaction,
  id: string,
  options: { lock?: boolean } = {},
): Promise<Task | undefined> {
  const [found] = await tasksOf(tx, { id, ...options });
  return found;
}

/** Of which entry an erasure was asked for there, before it was: so that it is known after a crash that it may have been. */
export interface Asked {
  /** The platform's own id of it. */
  readonly id: string;
  /** What the platform called the erasure; null where it gave no name, or its answer was lost. */
  readonly receipt: string | null;
  /** The platform took it. */
  readonly answered: boolean;
}

export function openAsked(keys: ControllerKeys, controllerId: ControllerId, task: Task): Asked[] {
  if (task.asked === null) return [];
  const opened = open(
    (version) => keys.version("seal", version),
    contextOf(controllerId, task.id),
    task.asked,
  );
  return JSON.parse(Buffer.from(opened).toString("utf8")) as Asked[];
}

/**
 * Writes it down, in the place of what was read. Of two runs that are at it at once, as when one was thought to be dead, the
 * second stops here, with `rights/overtaken`, before it asks for anything; tried again, it sees what the first one did.
 */
export async function noteAsked(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  task: Pick<Task, "id" | "round" | "asked">,
  asked: readonly Asked[],
): Promise<Sealed<Asked[]>> {
  const text = Buffer.from(JSON.stringify(asked), "utf8");
  const sealed = seal<Asked[]>(keys.current("seal"), contextOf(controllerId, task.id), text);
  const { count } = await sql`update rights_task set asked = ${sealed}
    where controller_id = ${controllerId} and id = ${task.id} and round = ${task.round} and status in ('open', 'asked')
      and asked is not distinct from ${task.asked}::bytea`;
  if (count === 0) throw rightsErrors.overtaken();
  return sealed;
}

/** The platform took the erasure of them all, and is asked later what came of it. */
export async function markAsked(
  { sql, controllerId }: ControllerTransaction,
  id: RightsTaskId,
  entries: number,
): Promise<void> {
  await sql`update rights_task set status = 'asked', entries = ${entries}, error_code = null, error_message = null
    where controller_id = ${controllerId} and id = ${id} and status = 'open'`;
}

/**
 * Opens tasks again that failed or were left to somebody; those whose erasure was asked for are only looked at again, unless
 * `anew`. Throws `rights/task-not-waiting`.
 */
export async function reopenTask(
  { sql, controllerId }: ControllerTransaction,
  request: RightsRequest,
  task: Task,
  options: { anew: boolean },
): Promise<PlannedTask> {
  if (
    isClosed(request.status) ||
    task.connectionId === null ||
    (task.status !== "manual" && task.status !== "failed")
  )
    throw rightsErrors.taskNotWaiting(task.status);
  const [row] = await sql<{ round: number }[]>`
    update rights_task set status = 'open', reason = null, settled_at = null, announced_at = now(), round = round + 1,
      asked = ${options.anew ? null : task.asked}
    where controller_id = ${controllerId} and id = ${task.id} returning round`;
  return { taskId: task.id, connectionId: task.connectionId, round: row?.round ?? 0 };
}

const contextOf = (controllerId: ControllerId, id: RightsTaskId) => ({
  purpose: "rights-asked",
  controllerId,
  recordId: id,
});
