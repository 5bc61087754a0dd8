import { beforeEach, describe, expect, test } from "vitest";
import { claimFrom, listRightsRequests, lockRequest, showRightsRequest } from "#rights";
import type { RightsCaseView, RightsKind } from "#schemas";
import {
  all,
  at,
  audited,
  EMAIL,
  heldByAll,
  known,
  platform,
  sendWebhooks,
  untilQuiet,
  useFourPlatforms,
} from "../../test/support/four-platforms.ts";
import { approveRights, openRights, verifyRights } from "./index.ts";

useFourPlatforms();

/** A request that an operator took down and vouches for, approved. */
async function approved(kind: RightsKind): Promise<string> {
  const { database, ring } = at.hub.rooms;
  const keys = await ring.keys(at.controllerId);
  const details = { emails: [EMAIL], phones: [], platformIds: [], region: null, corrections: null };
  return database.inController(at.controllerId, async (tx) => {
    const { id } = await openRights(tx, keys, {
      ...{ source: "operator", actor: "operator", kind, scope: "subject", regime: "gdpr", details },
      ...{ subjectId: null, connectionId: null, delivery: null, platformDays: null },
      receivedAt: new Date().toISOString(),
    });
    const take = async () => {
      const request = await lockRequest(tx, id);
      if (request === undefined) throw new Error("no request");
      return request;
    };
    await tx.sql`update rights_request set status = 'verifying' where id = ${id}`;
    await verifyRights(tx, keys, await take(), "document", { actor: "operator" });
    await approveRights(tx, await take(), { actor: "operator" });
    return id;
  });
}

async function show(id: string): Promise<RightsCaseView> {
  const { database, ring } = at.hub.rooms;
  const keys = await ring.keys(at.controllerId);
  const shown = await database.inController(at.controllerId, (tx) => showRightsRequest(tx, keys, id));
  if (shown === undefined) throw new Error("no request");
  return shown;
}

const outcomes = ({ platforms }: RightsCaseView) =>
  Object.fromEntries(
    platforms.map((task) => [
      task.connector ?? "hub",
      task.reason ? `${task.status} ${task.reason}` : task.status,
    ]),
  );

describe("an erasure of somebody known on four platforms", () => {
  test("closes with what became of it on each, and nothing of the person is left", async () => {
    await at.hub.working(async () => {
      await known();
      const id = await approved("erasure");
      await expect
        .poll(async () => (await show(id)).status, { timeout: 5_000 })
        .toBe("fulfilled")
        .catch(async () => {
          console.dir(await show(id), { depth: 5 });
        });
      console.dir(
        [
          outcomes(await show(id)),
          at.platforms.map((p) => [p.connector, p.has(at.ids.get(p.connector) ?? "")]),
        ],
        { depth: 5 },
      );
    });
  });
});
