import { afterEach, expect, test, vi } from "vitest";
import { at, owner, seal, tamper, useAuditLog, write } from "../../test/support/audit-log.ts";
import { checkHead } from "./index.ts";

useAuditLog();
afterEach(() => vi.useRealTimers());

/** As the doctor asks. */
async function found() {
  const { database, ring } = at.rooms;
  const publicKeys = (await ring.keys(at.controllerId)).checkpointKeys.map(({ publicKey }) => publicKey);
  const log = { ...(await owner()), publicKeys };
  return (await database.inController(at.controllerId, (tx) => checkHead(tx, log))).fault;
}

test("a log that ends as signed has no fault, nor one without anything in it", async () => {
  expect(await found()).toBeUndefined();
  await write(3);
  await seal();
  expect(await found()).toBeUndefined();
});

test("a checkpoint of a log whose state is gone is found", async () => {
  await write(3);
  await seal();
  await tamper("delete from lethe.audit_log where controller_id = :c");
  expect(await found()).toBe("audit/log-truncated");
});

test("a log without any checkpoint is found when it is a day old, with its state or without", async () => {
  await write(3);
  await seal();
  await tamper("delete from lethe.audit_checkpoint where controller_id = :c");
  expect(await found()).toBeUndefined();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 86_500_000 });
  expect(await found()).toBe("audit/checkpoint-missing");
  await tamper("delete from lethe.audit_log where controller_id = :c");
  expect(await found()).toBe("audit/checkpoint-missing");
});
