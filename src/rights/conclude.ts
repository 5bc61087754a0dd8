import type { ControllerTransaction } from "#database";
import { moveRequest } from "./move.ts";
import type { RightsRequest } from "./request.ts";
import { type Outcome, settleTask } from "./settle.ts";
import { tasksOf } from "./task.ts";

/** The hub has done its own part. */
export async function settleOwnTask(
  tx: ControllerTransaction,
  request: RightsRequest,
  outcome: Outcome,
): Promise<void> {
  const own = (await tasksOf(tx, { requests: [request.id] })).find(
    ({ connectionId }) => connectionId === null,
  );
  if (own !== undefined) await settleTask(tx, request, own.id, outcome, { actor: "hub" });
}

/**
 * Ends a request of which nothing is left to do: `fulfilled` if every platform did it, has nobody, or must keep what it has;
 * `partly_fulfilled` if one cannot, or was given up on.
 */
export async function closeRequest(tx: ControllerTransaction, request: RightsRequest): Promise<void> {
  const tasks = await tasksOf(tx, { requests: [request.id] });
  const partly = tasks.some(({ status }) => status === "unsupported" || status === "failed");
  await moveRequest(tx, request, partly ? "partly_fulfilled" : "fulfilled", { actor: "hub" });
}

/** Of requests of people who are erased, closed ones too: whose they were. */
export async function forgetRequests(
  { sql, controllerId }: ControllerTransaction,
  { family }: { family: readonly string[] },
): Promise<void> {
  await sql`update rights_request set subject_id = null, delivery_id = null, ordinal = null
    where controller_id = ${controllerId} and subject_id = any(${[...family]}::uuid[])`;
}
