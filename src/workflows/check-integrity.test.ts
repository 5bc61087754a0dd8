import type { Inngest } from "inngest";
import { expect, test } from "vitest";
import { databaseErrors } from "#database";
import { LetheError } from "#schemas";
import { checkIntegrity } from "./check-integrity.ts";
import type { WorkflowRooms } from "./index.ts";

/** The check as the runtime calls it, in a hub whose database fails so. */
async function checkedWith(error: Error): Promise<void> {
  const client = { createFunction: (_options: unknown, handler: unknown) => handler };
  const rooms = { outside: { logs: () => Promise.reject(error) } } as unknown as WorkflowRooms;
  const check = checkIntegrity(client as unknown as Inngest, rooms) as unknown as (call: {
    step: { run(id: string, work: () => Promise<void>): Promise<void> };
  }) => Promise<void>;
  await check({ step: { run: (_id, work) => work() } });
}

test("a check that the database ended uses up an attempt: no runtime repeats it for ever", async () => {
  await expect(checkedWith(databaseErrors.unavailable())).rejects.toMatchObject({
    code: "audit/not-checked",
    retry: true,
  });
});

test("whatever else ends it is told as it is", async () => {
  const error = new LetheError("database/rolled-back", "a statement failed");
  await expect(checkedWith(error)).rejects.toBe(error);
});
