import { v4 as uuid } from "uuid";
import { z } from "zod";
import type { Transaction } from "#database";
import { describeError, LetheError } from "#schemas";
import { isHeld } from "../switch.ts";
import { type Functions, listensTo } from "./events.ts";
import { compileCondition } from "./expression.ts";
import type { Op, Reply } from "./protocol.ts";
import { type Item, removeItem, retryItem, stillOurs } from "./queue.ts";
import { createRuns, finishRun, goOn, memoise, resume } from "./runs.ts";
import { backoff, endOf, retryAfter } from "./time.ts";

export interface ReplyContext {
  readonly functions: Functions;
  readonly backoffScale: number;
}

/**
 * Writes what a call answered: step results, follow-up work and the run's end, in one transaction with the queue
 * item. Does nothing if the item was taken over meanwhile: whoever has it now will come to its own answer.
 */
export async function applyReply(
  tx: Transaction,
  item: Item,
  reply: Reply,
  context: ReplyContext,
): Promise<void> {
  if (!(await stillOurs(tx, item))) return;
  if (reply.kind === "ops") refuseUnknown(reply.ops);
  const announces = listensTo(context.functions);
  if (reply.kind === "result")
    return finishRun(tx, item, { status: "completed", output: reply.output }, announces);
  if (reply.kind === "error") {
    return mayRetry(item, reply, reply.error, context)
      ? retryItem(tx, item, nextTry(item, reply, reply.error, context))
      : finishRun(tx, item, { status: "failed", output: reply.error }, announces);
  }
  for (const op of reply.ops)
    if (op.op === "StepRun") await memoise(tx, item, op.id, { data: op.data ?? null });
  // Final whatever became of the others: a step beside it that is tried again must not bring it back.
  for (const op of reply.ops)
    if (op.op === "StepFailed" && !isNoFailure(op.error)) await memoise(tx, item, op.id, { error: op.error });
  const failed = reply.ops.find(
    ({ op, error }) => op === "StepError" || (op === "StepFailed" && isNoFailure(error)),
  );
  if (failed !== undefined && mayRetry(item, reply, failed.error, context))
    return retryItem(tx, item, nextTry(item, reply, failed.error, context));
  for (const op of reply.ops)
    if (op.op === "StepError" || op.op === "StepFailed") await memoise(tx, item, op.id, { error: op.error });
  const complete = reply.ops.find(({ op }) => op === "RunComplete");
  if (complete !== undefined)
    return finishRun(tx, item, { status: "completed", output: complete.data }, announces);
  await planOps(tx, item, reply.ops.filter(isPlanned), context);
  await removeItem(tx, item);
  const moved = reply.ops.some(({ op }) => MOVES_ON.has(op));
  if (moved) await goOn(tx, item, item.stepId);
}

/** A timer's item: the sleep is over, nobody sent what the step waited for, or the invoked function took too long. */
export async function applyTimer(tx: Transaction, item: Item): Promise<void> {
  if (!(await stillOurs(tx, item))) return;
  await removeItem(tx, item);
  await tx.sql`delete from runtime_wait
    where controller_id = ${item.controllerId} and run_id = ${item.runId} and step_id = ${item.stepId}`;
  await resume(tx, item, item.stepId, item.kind === "expire" ? { error: TOOK_TOO_LONG } : { data: null });
}

const TOOK_TOO_LONG = {
  name: "InngestInvokeTimeoutError",
  message: "Timed out waiting for invoked function to complete",
};

const MOVES_ON = new Set(["StepRun", "StepError", "StepFailed", "DiscoveryRequest"]);
const PLANNED = new Set(["StepPlanned", "Sleep", "WaitForEvent", "InvokeFunction"]);
const isPlanned = ({ op }: Op) => PLANNED.has(op);

/** An operation that is ignored would leave its run waiting for ever. */
function refuseUnknown(ops: readonly Op[]): void {
  const unknown = ops.find(({ op }) => !MOVES_ON.has(op) && !PLANNED.has(op) && op !== "RunComplete");
  if (unknown !== undefined)
    throw new LetheError(
      "runtime/unsupported-step",
      `the embedded runtime does not implement the step operation "${unknown.op}"; use LETHE_RUNTIME=inngest, or leave it out`,
    );
}

/** The reply of a function whose own reply can never be written: trying again would end the same way. */
export function unwritable(error: unknown): Reply {
  const { code, message } = describeError(error);
  return {
    kind: "error",
    error: { name: "Error", message: `${code}: ${message}` },
    noRetry: true,
    retryAfter: null,
  };
}

/** Whether a reply may yet be written: the database or the way to it is at fault. A value that it refuses (class 22) it always will. */
export function mayBeWrittenLater(error: unknown): boolean {
  return /^(database\/|postgres\/(?!22)|system\/E(?!RR_))/.test(describeError(error).code);
}

function mayRetry(
  item: Item,
  reply: { noRetry: boolean },
  error: unknown,
  { functions }: ReplyContext,
): boolean {
  const most = functions.get(item.functionId)?.maxAttempts ?? 1;
  return isNoFailure(error) || (!reply.noRetry && item.attempt + 1 < most);
}

function nextTry(
  item: Item,
  reply: { retryAfter: string | null },
  error: unknown,
  { backoffScale }: ReplyContext,
): { attempt: number; milliseconds: number } {
  if (isNoFailure(error)) return { attempt: item.attempt, milliseconds: 1_000 * backoffScale };
  const milliseconds = retryAfter(reply.retryAfter, Date.now()) ?? backoff(item.attempt, backoffScale);
  return { attempt: item.attempt + 1, milliseconds };
}

/**
 * This very database was away, or processing was stopped: that says nothing of the function, and must not use up its attempts,
 * the last one included (of which the SDK says `StepFailed`). Errors arrive scrubbed, as `<code>: <text>`.
 */
function isNoFailure(error: unknown): boolean {
  const { data } = z.object({ message: z.string() }).safeParse(error);
  return data !== undefined && (data.message.startsWith("database/unavailable: ") || isHeld(data.message));
}

/** Makes the steps pending that are new, with what will end each of them. */
async function planOps(
  tx: Transaction,
  item: Item,
  ops: readonly Op[],
  context: ReplyContext,
): Promise<void> {
  if (ops.length === 0) return;
  const { sql } = tx;
  if (ops.length > 1) await setPlanning(tx, item, true);
  for (const op of ops) {
    const added = await sql`
      insert into runtime_step (controller_id, run_id, id, race)
      values (${item.controllerId}, ${item.runId}, ${op.id}, ${op.opts?.parallelMode === "race"})
      on conflict do nothing returning id`;
    if (added.length > 0) await plan(tx, item, op, context);
  }
}

async function plan(tx: Transaction, item: Item, op: Op, context: ReplyContext): Promise<void> {
  const { sql } = tx;
  const now = Date.now();
  switch (op.op) {
    case "StepPlanned":
      return queueStep(tx, item, op.id, "call", now);
    case "Sleep":
      return queueStep(tx, item, op.id, "wake", endOf(op.opts?.duration ?? op.name ?? "", now));
    case "WaitForEvent": {
      const until = endOf(op.opts?.timeout ?? "", now);
      const expression = op.opts?.if ?? null;
      if (expression !== null) compileCondition(expression);
      await sql`insert into runtime_wait (controller_id, run_id, step_id, event_name, expression, expires_at)
        values (${item.controllerId}, ${item.runId}, ${op.id}, ${op.opts?.event ?? op.name ?? ""}, ${expression}, ${new Date(until).toISOString()})`;
      return queueStep(tx, item, op.id, "wake", until);
    }
    default: {
      const spec = context.functions.get(op.opts?.function_id ?? "");
      const invoked = {
        id: uuid(),
        name: "inngest/function.invoked",
        data: op.opts?.payload?.data ?? {},
        ts: now,
      };
      if (spec === undefined) {
        const error = {
          name: "Error",
          message: `runtime/unknown-function: there is no function ${op.opts?.function_id} to invoke`,
        };
        return resume(tx, item, op.id, { error });
      }
      await createRuns(tx, [
        {
          spec,
          events: [invoked],
          parent: { controllerId: item.controllerId, runId: item.runId, stepId: op.id },
        },
      ]);
      if (op.opts?.timeout !== undefined)
        await queueStep(tx, item, op.id, "expire", endOf(op.opts.timeout, now));
    }
  }
}

async function queueStep(
  { sql }: Transaction,
  item: Item,
  stepId: string,
  kind: Item["kind"],
  at: number,
): Promise<void> {
  await sql`
    insert into runtime_queue (controller_id, id, run_id, function_id, kind, step_id, run_at, concurrency_key)
    select controller_id, ${uuid()}::uuid, id, function_id, ${kind}, ${stepId}, ${new Date(at).toISOString()}::timestamptz,
      case when ${kind === "call"} then concurrency_key end
    from runtime_run where controller_id = ${item.controllerId} and id = ${item.runId}`;
}

async function setPlanning({ sql }: Transaction, item: Item, planning: boolean): Promise<void> {
  await sql`update runtime_run set planning = ${planning} where controller_id = ${item.controllerId} and id = ${item.runId} and planning <> ${planning}`;
}
