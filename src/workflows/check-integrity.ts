import { cron, type Inngest } from "inngest";
import { appendEvents, standingChain, verifyAll } from "#audit";
import { describeError, HUB, LetheError } from "#schemas";
import type { WorkflowRooms } from "./index.ts";

/**
 * Every night: every log against its signed checkpoints, the hub's against the checkpoint that is held outside, and the policies
 * of the database. What came of it is on the hub's log, also if all is well; `lethe doctor` and /metrics show the last one.
 */
export function checkIntegrity(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "check-integrity", name: "Check integrity", triggers: [cron("37 3 * * *")], retries: 3 },
    async ({ step }) => {
      await step.run("check", () => checkNow(rooms).catch(spendAttempt));
    },
  );
}

/** The runtime tries for ever what a database that is away has ended: a check that takes too long for it would never end. */
function spendAttempt(error: unknown): never {
  if (describeError(error).code !== "database/unavailable") throw error;
  throw new LetheError("audit/not-checked", "the database went away, or took too long, during the check", {
    retry: true,
    cause: error,
  });
}

/** Reads one log after the other, a thousand entries at a time and in a transaction each, so that a running hub answers in between. */
export async function checkNow(
  rooms: Pick<WorkflowRooms, "database" | "ring" | "outside" | "committed" | "log">,
): Promise<void> {
  const { database, ring, outside, log } = rooms;
  const { hubDid, logs } = await outside.logs();
  const report = await verifyAll({ database, ring, logs, hubDid, witnessed: await outside.witness() });
  const policies = await outside.policyFaults();
  const byCode = Map.groupBy(
    [...report.faults.map(({ code }) => code), ...(policies ?? []).map(() => "database/policy")],
    (code) => code,
  );
  const faults = Object.fromEntries([...byCode].map(([code, all]) => [code, all.length]));
  await database.inController(HUB, (tx) =>
    appendEvents(tx, [
      {
        workflow: standingChain("integrity", HUB),
        type: "integrity.checked",
        entity: "hub",
        actor: "hub",
        facts: {
          logs: report.logs.length + 1,
          events: [report.hub, ...report.logs].reduce((sum, { events }) => sum + events, 0),
          witness: report.witness,
          policies: policies === undefined ? "not_asked" : "asked",
          faults: report.faults.length + (policies ?? []).length,
          ...faults,
        },
      },
    ]),
  );
  rooms.committed();
  for (const [code, count] of Object.entries(faults))
    log.error(
      { code, count },
      "INTEGRITY: the nightly check found faults; see `lethe audit verify` and `lethe doctor`",
    );
}
