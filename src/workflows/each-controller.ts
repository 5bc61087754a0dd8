import type { GetStepTools, Inngest } from "inngest";
import type { ControllerId } from "#schemas";
import type { WorkflowRooms } from "./index.ts";

/**
 * One step for each controller, one after the other: a stop holds the next ones, what is done is not done again, and one
 * controller's trouble, told once its tries are spent, keeps nobody else's data. On an Inngest server a run may have 1,000 steps
 * (https://www.inngest.com/docs/usage-limits/inngest).
 */
export async function eachController(
  step: GetStepTools<Inngest>,
  rooms: Pick<WorkflowRooms, "controllers">,
  name: string,
  work: (controllerId: ControllerId) => Promise<void>,
): Promise<void> {
  const failed: unknown[] = [];
  for (const { id } of await rooms.controllers())
    await step.run(`${name} ${id}`, () => work(id)).catch((error: unknown) => failed.push(error));
  if (failed.length > 0) throw failed[0];
}
