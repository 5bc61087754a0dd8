import { v4 as uuid } from "uuid";
import { expect, test } from "vitest";
import { HUB } from "#schemas";
import { at, didOf, owner, seal, useAuditLog } from "../../test/support/audit-log.ts";
import { appendEvents, verifyAll } from "./index.ts";

useAuditLog();

test("a long log is read in many short transactions, and the hub answers in between", async () => {
  await at.rooms.database.inController(at.controllerId, (tx) =>
    appendEvents(
      tx,
      Array.from({ length: 5_200 }, (_, i) => ({
        ...({ workflow: uuid(), type: "test.happened", entity: `thing:${i}` } as const),
        actor: "hub",
      })),
    ),
  );
  await seal();
  const { database, ring } = at.rooms;
  let transactions = 0;
  let turns = 0;
  const turn = setInterval(() => turns++, 0);
  const report = await verifyAll({
    ring,
    database: {
      ...database,
      inController: (...of) => {
        transactions += of[0] === at.controllerId ? 1 : 0;
        return database.inController(...of);
      },
    },
    ...{ logs: [await owner()], hubDid: await didOf(HUB), witnessed: undefined },
  });
  clearInterval(turn);
  expect(report).toMatchObject({ ok: true, logs: [{ events: 5_201, pending: 0 }] });
  expect(transactions).toBeGreaterThan(5 + 2); // a thousand entries each, and sixteen tiles
  expect(turns).toBeGreaterThan(5);
});
