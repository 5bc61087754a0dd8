import type { ControllerTransaction } from "#database";
import type {
  ConnectionId,
  DataCategory,
  ErrorDescription,
  LawfulBasis,
  RightsTaskId,
  RightsTaskReason,
  RightsTaskStatus,
} from "#schemas";
import { rightsErrors } from "./errors.ts";
import { type Decision, noteAct } from "./move.ts";
import type { RightsRequest } from "./request.ts";
import { isClosed } from "./states.ts";
import { findTask, type Task } from "./task.ts";

/** What became of a request at one platform. */
export interface Outcome {
  readonly status: Exclude<RightsTaskStatus, "open" | "asked">;
  readonly reason?: RightsTaskReason;
  readonly error?: { readonly code: string; readonly message: string };
  /** Customers, contacts or profiles of the person that were found. */
  readonly entries?: number;
  readonly retained?: {
    readonly basis: LawfulBasis;
    readonly categories: readonly DataCategory[];
    /** ISO 8601; null where nobody can say. */
    readonly until: string | null;
  };
}

/** Ends a task, with its audit event; false if it had ended already, or this is not its run any more. */
export async function settleTask(
  tx: ControllerTransaction,
  request: RightsRequest,
  id: RightsTaskId,
  outcome: Outcome,
  by: Decision & { readonly round?: number },
): Promise<boolean> {
  const task = await findTask(tx, id, { lock: true });
  if (task === undefined || !isUnderWay(task) || (by.round ?? task.round) !== task.round) return false;
  await save(tx, task, outcome, by);
  await settledEvent(tx, request, task, outcome, by);
  return true;
}

export const isUnderWay = ({ status }: Pick<Task, "status">): boolean =>
  status === "open" || status === "asked";
export const isWaiting = ({ status }: Pick<Task, "status">): boolean =>
  status === "manual" || status === "failed";

async function save(
  { sql, controllerId }: ControllerTransaction,
  { id }: Task,
  { status, reason, error, entries, retained }: Outcome,
  by: Decision,
): Promise<void> {
  await sql`update rights_task set status = ${status}, reason = ${reason ?? null}, settled_at = now(),
      error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null}, entries = coalesce(${entries ?? null}, entries),
      basis = ${retained?.basis ?? null}, until_at = ${retained?.until ?? null},
      categories = ${retained === undefined ? null : JSON.stringify(retained.categories)}::text::jsonb,
      actor = ${by.actor}, note = ${by.note ?? null}
    where controller_id = ${controllerId} and id = ${id}`;
}

export function settledEvent(
  tx: ControllerTransaction,
  request: RightsRequest,
  task: {
    readonly id: RightsTaskId;
    readonly connectionId: ConnectionId | null;
    readonly connector: string | null;
  },
  { status, reason, error, retained }: Outcome,
  by: Decision,
): Promise<void> {
  return noteAct(
    tx,
    request,
    "rights.task",
    { ...by, reason },
    {
      ...{ task: task.id, outcome: status },
      ...(task.connectionId !== null && { connection: task.connectionId }),
      ...(task.connector !== null && { connector: task.connector }),
      ...(error !== undefined && { error: error.code }),
      ...(retained !== undefined && { basis: retained.basis, until: retained.until }),
    },
  );
}

/** Somebody did by hand what was left to them, or gave it up. Throws `rights/task-not-waiting`. */
export async function completeTask(
  tx: ControllerTransaction,
  request: RightsRequest,
  task: Task,
  outcome: ByHand,
  by: Decision,
): Promise<void> {
  if (!isWaiting(task) || isClosed(request.status)) throw rightsErrors.taskNotWaiting(task.status);
  const completed = outcomeByHand(task, outcome);
  await save(tx, task, completed, by);
  await settledEvent(tx, request, task, completed, by);
}

/** What somebody says who did it by hand. */
export type ByHand =
  | { readonly outcome: "done" | "failed" }
  | { readonly outcome: "retained"; readonly basis: LawfulBasis; readonly until: string | null };

/** What the platform was seen to keep stays said, whatever else was done there by hand. */
function outcomeByHand({ basis, categories, until }: Task, given: ByHand): Outcome {
  if (given.outcome === "failed") return { status: "failed", reason: "given_up" };
  const seen = basis === null ? undefined : { basis, categories: categories ?? [], until };
  const retained =
    given.outcome === "retained"
      ? { basis: given.basis, categories: categories ?? [], until: given.until }
      : seen;
  return {
    status: retained === undefined ? "done" : "retained",
    reason: "by_hand",
    ...(retained && { retained }),
  };
}

/** Notes why an attempt failed; it is tried again. */
export async function noteTaskFailure(
  { sql, controllerId }: ControllerTransaction,
  id: RightsTaskId,
  { code, message }: ErrorDescription,
): Promise<void> {
  await sql`update rights_task set attempts = attempts + 1, error_code = ${code}, error_message = ${message}
    where controller_id = ${controllerId} and id = ${id} and status in ('open', 'asked')`;
}

/** Whether no platform is left that is asked, or that somebody has to see to. */
export async function allSettled(
  { sql, controllerId }: ControllerTransaction,
  requestId: string,
): Promise<boolean> {
  const left = await sql`
    select from rights_task where controller_id = ${controllerId} and request_id = ${requestId} and connection_id is not null
      and status in ('open', 'asked', 'manual', 'failed') and reason is distinct from 'given_up' limit 1`;
  return left.length === 0;
}
