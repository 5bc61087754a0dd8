import { v4 as uuid } from "uuid";
import { describe, expect, test } from "vitest";
import { at, inOwnDatabase, owner, seal, tamper, useAuditLog, write } from "../../test/support/audit-log.ts";
import { didDocument } from "./did-document.ts";
import {
  appendEvents,
  logKeys,
  proveEvent,
  proveWorkflow,
  readDidDocument,
  verifyEventProof,
  verifyWorkflowProof,
} from "./index.ts";

useAuditLog();

const prove = (workflow: string) =>
  at.rooms.database.inController(at.controllerId, (tx) => proveWorkflow(tx, workflow), { snapshot: true });
const proven = async (workflow: string) =>
  (await prove(workflow)).flatMap(({ entry, proof }) => (proof === undefined ? [] : [{ entry, proof }]));

/** The keys as whoever checks has them: from the controller's DID document. */
async function keys(controllerId = at.controllerId) {
  const { did } = await owner(controllerId);
  const document = readDidDocument(didDocument(did, (await at.rooms.ring.keys(controllerId)).checkpointKeys));
  return document === undefined ? [] : logKeys(document);
}

describe("a workflow's events", () => {
  test("are proven in their order, all of them under one checkpoint, and checked with the controller's keys alone", async () => {
    const workflow = uuid();
    await write(2, workflow);
    await write(3);
    await write(2, workflow);
    await seal();
    const all = await proven(workflow);
    const result = verifyWorkflowProof(workflow, all, await keys());
    expect(result.ok && result.events.map(({ event }) => event.position)).toEqual([0, 1, 2, 3]);
    expect(result.ok && new Set(result.events.map(({ root }) => root)).size).toBe(1);
    expect(verifyWorkflowProof(workflow, all, await keys(await at.rooms.controller()))).toEqual({
      ok: false,
      fault: "proof/other-log",
      at: 0,
    });
  });

  test("that no checkpoint covers yet have no proof, and are there all the same", async () => {
    const workflow = uuid();
    await write(1, workflow);
    expect((await prove(workflow)).map(({ proof }) => proof)).toEqual([undefined]);
    await seal();
    await write(1, workflow);
    const [first, second, ...more] = await prove(workflow);
    expect(first?.proof).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
    expect(second).toEqual({ entry: expect.stringContaining('"position":1'), proof: undefined });
    expect(more).toEqual([]);
    await seal();
    await tamper(
      "delete from lethe.audit_checkpoint where controller_id = :c and id = (select max(id) from lethe.audit_checkpoint where controller_id = :c)",
    );
    expect((await prove(workflow)).map(({ proof }) => proof === undefined)).toEqual([false, true]);
  });

  test("are none of a workflow that there is not, nor of another controller's", async () => {
    const workflow = uuid();
    await write(1, workflow);
    await seal();
    expect(await prove(uuid())).toEqual([]);
    at.controllerId = await at.rooms.controller();
    expect(await prove(workflow)).toEqual([]);
  });

  test("are proven from stored tiles in a log that fills some, like a single one of them; a tile that was changed proves nothing", async () => {
    await inOwnDatabase(async () => {
      const workflow = uuid();
      const events = (count: number, of?: string) =>
        Array.from({ length: count }, () => ({
          ...({ workflow: of ?? uuid(), type: "test.happened", entity: "x", actor: "hub" } as const),
        }));
      await at.rooms.database.inController(at.controllerId, (tx) =>
        appendEvents(tx, [
          ...events(2, workflow),
          ...events(300),
          ...events(1, workflow),
          ...events(300),
          ...events(2, workflow),
        ]),
      );
      await seal();
      const result = verifyWorkflowProof(workflow, await proven(workflow), await keys());
      expect(result.ok && result.events.length).toBe(5);
      const { event, seq } = (result.ok ? result.events[2] : undefined) ?? {};
      const one = await at.rooms.database.inController(at.controllerId, (tx) =>
        proveEvent(tx, event?.event ?? ""),
      );
      expect(verifyEventProof(one?.entry ?? "", one?.proof ?? "", await keys())).toMatchObject({
        ok: true,
        seq,
      });
      await tamper(
        "update lethe.audit_tile set hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 1) where controller_id = :c and index = 0",
      );
      expect(verifyWorkflowProof(workflow, await proven(workflow), await keys())).toMatchObject({
        ok: false,
        fault: "proof/not-included",
      });
    });
  });
});
