import { beforeEach, describe, expect, test } from "vitest";
import { createProof, didDocument, type ProofOptions, receiptKeyId } from "#audit";
import type { RightsEvidence } from "#schemas";
import { at, sequencer, useAuditLog } from "../../../test/support/audit-log.ts";
import { denyRequest, verifyRequest } from "../decide.ts";
import { openRequest } from "../open.ts";
import { lockRequest, type RightsRequest } from "../request.ts";
import { issueEvidence } from "./issue.ts";
import { evidencePage } from "./page.ts";
import { verifyEvidence } from "./verify.ts";

useAuditLog();

let evidence: RightsEvidence;
let document: unknown;

/** The evidence of a request that was verified and denied, when the log covers it. */
beforeEach(async () => {
  const { database, ring } = at.rooms;
  const keys = await ring.keys(at.controllerId);
  sequencer();
  const id = await database.inController(at.controllerId, async (tx) => {
    const opened = await openRequest(tx, keys, {
      ...{ source: "operator", actor: "operator", kind: "erasure", scope: "subject", regime: "gdpr" },
      ...{ subjectId: null, connectionId: null, delivery: null, platformDays: null },
      details: {
        emails: ["jenny@example.com"],
        phones: [],
        platformIds: [],
        region: null,
        corrections: null,
      },
      receivedAt: new Date().toISOString(),
    });
    const locked = async (): Promise<RightsRequest> => {
      const request = await lockRequest(tx, opened.id);
      if (request === undefined) throw new Error("no request");
      return request;
    };
    await verifyRequest(tx, keys, await locked(), "document", { actor: "operator" });
    await denyRequest(tx, await locked(), "no_match", { actor: "operator" });
    return opened.id;
  });
  const issue = () =>
    database.inController(at.controllerId, (tx) =>
      issueEvidence(tx, keys, id, { backupDays: 30, now: new Date() }),
    );
  await expect
    .poll(() =>
      issue().then(
        (issued) => issued,
        () => undefined,
      ),
    )
    .toBeDefined();
  evidence = await issue();
  document = didDocument(evidence.controller.did, keys.checkpointKeys);
});

const faultOf = (bent: unknown) => {
  const verified = verifyEvidence(bent, document);
  return verified.ok ? undefined : verified.fault;
};

/** Signed anew by the controller itself, which has the key: then only the log can contradict. */
async function resigned(bent: RightsEvidence): Promise<unknown> {
  const { proof: _, ...report } = bent;
  const { key, version } = (await at.rooms.ring.keys(at.controllerId)).current("checkpoint");
  const options: ProofOptions = {
    type: "DataIntegrityProof",
    cryptosuite: "eddsa-jcs-2022",
    proofPurpose: "assertionMethod",
    created: bent.issuedAt,
    verificationMethod: receiptKeyId(bent.controller.did, version),
  };
  return { ...report, proof: createProof(report, options, key) };
}

describe("evidence of a closed request", () => {
  test("holds: signed by its controller, every move in the audit log; and names nobody", () => {
    expect(verifyEvidence(evidence, document)).toMatchObject({ ok: true, events: 3 });
    expect(evidence.moves.map(({ to }) => to)).toEqual(["received", "verified", "denied"]);
    expect(evidence.clock.inTime).toBe(true);
    expect(JSON.stringify(evidence) + evidencePage(evidence)).not.toContain("jenny");
    expect(evidencePage(evidence)).toContain("no match");
  });

  test("does not hold once anything of it is another", () => {
    const bend: ((text: string) => string)[] = [
      (text) => text.replace('"denied"', '"fulfilled"'),
      (text) => text.replace('"no_match"', '"other"'),
      (text) => text.replace('"document"', '"in_person"'),
      (text) => text.replace('"inTime":true', '"inTime":false'),
    ];
    for (const one of bend)
      expect(faultOf(JSON.parse(one(JSON.stringify(evidence))))).toBe("evidence/altered");
    expect(faultOf({})).toBe("evidence/malformed");
    expect(verifyEvidence(evidence, {})).toMatchObject({ fault: "evidence/did-document-malformed" });
  });

  test("does not hold where the controller itself, with its own key, says another thing than its log", async () => {
    const { moves, audit } = evidence;
    const [received, verified, denied] = moves;
    if (!received || !verified || !denied) throw new Error("three moves");
    const lies: Partial<RightsEvidence>[] = [
      { moves: [received, { ...verified, actor: "person" }, denied] },
      { moves: [received, verified, { ...denied, reason: "suspected_fraud" }] },
      { moves: [received, denied] },
      { moves: [received, verified, { ...denied, note: "we were told so" }] },
      { moves: [received, verified, denied, { ...denied, from: "denied", to: "fulfilled" }] },
    ];
    for (const lie of lies)
      expect(faultOf(await resigned({ ...evidence, ...lie }))).toBe("evidence/not-in-log");
    const cut = { ...audit, events: audit.events.slice(1) };
    expect(faultOf(await resigned({ ...evidence, audit: cut }))).toBe("proof/chain-broken");
    const forged = audit.events.map(({ entry, proof }, n) => ({
      ...{ proof, entry: n === 2 ? entry.replace("no_match", "other") : entry },
    }));
    expect(faultOf(await resigned({ ...evidence, audit: { ...audit, events: forged } }))).toBe(
      "proof/not-included",
    );
  });

  test("does not hold by another controller's keys", async () => {
    const other = await at.rooms.controller();
    const { checkpointKeys } = await at.rooms.ring.keys(other);
    const theirs = didDocument(evidence.controller.did, checkpointKeys);
    expect(verifyEvidence(evidence, theirs).ok).toBe(false);
  });
});
