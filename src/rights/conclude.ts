import type { ControllerTransaction } from "#database";
import type { RightsRequestId } from "#schemas";
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

/**
 * Of requests of people who are erased, closed ones too: whose they were. Of closed ones also every file that was made or
 * collected, whether it was taken or not: the hub could open them. What is still in progress keeps its own until it closes.
 */
export async function forgetRequests(
  { sql, controllerId }: ControllerTransaction,
  { family }: { family: readonly string[] },
): Promise<void> {
  const closed = await sql<{ id: RightsRequestId }[]>`
    select id from rights_request where controller_id = ${controllerId} and subject_id = any(${[...family]}::uuid[]) and closed_at is not null`;
  const ids = closed.map(({ id }) => id);
  for (const table of ["rights_bundle", "rights_part", "rights_challenge"])
    await sql`delete from ${sql(table)} where controller_id = ${controllerId} and request_id = any(${ids}::uuid[])`;
  await sql`update rights_task set asked = null where controller_id = ${controllerId} and request_id = any(${ids}::uuid[])`;
  await sql`update rights_request set subject_id = null, delivery_id = null, ordinal = null
    where controller_id = ${controllerId} and subject_id = any(${[...family]}::uuid[])`;
}
