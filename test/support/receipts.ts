import { createPrivateKey, createPublicKey } from "node:crypto";
import { didDocument } from "#audit";
import { consentReceipt, type ReceiptFacts, signReceipt } from "#consent";
import { Did } from "#schemas";

export const CONTROLLER = Did.parse(`did:lethe:${"ac".repeat(32)}`);
export const SUBJECT = Did.parse(`did:lethe:${"5b".repeat(32)}`);

/** A withdrawal after two grants, as a platform reported it. */
export const FACTS: ReceiptFacts = {
  record: {
    id: "01900000-0000-7000-8000-000000000000.2",
    purpose: "email_marketing",
    state: "withdrawn",
    nature: "expressed",
    source: "platform",
    method: "unsubscribe",
    lawfulBasis: "consent",
    jurisdiction: "EU",
    evidence: "delivery:01900000-0000-7000-8000-000000000000",
    occurredAt: "2026-03-02T08:00:00.000Z",
    recordedAt: "2026-03-02T08:00:01.000Z",
  },
  subject: SUBJECT,
  controller: { did: CONTROLLER, name: "Acme GmbH" },
  connector: "Mailchimp",
  history: [
    { state: "granted", nature: "snapshot", occurredAt: "2026-02-01T08:00:00.000Z" },
    { state: "pending", nature: "expressed", occurredAt: "2026-01-01T08:00:00.000Z" },
    { state: "granted", nature: "expressed", occurredAt: "2026-01-02T08:00:00.000Z" },
    { state: "withdrawn", nature: "expressed", occurredAt: "2026-03-02T08:00:00.000Z" },
  ],
  issuedAt: "2026-03-03T12:00:00.000Z",
};

/** An Ed25519 key pair of its own for each number, the same each time. */
export function keyPair(seed: number) {
  const pkcs8 = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, seed),
  ]);
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return { privateKey, publicKey };
}

/** A controller with two versions of its key, of which the second signs. */
export const DOCUMENT = didDocument(CONTROLLER, [
  { version: 2, publicKey: keyPair(2).publicKey },
  { version: 1, publicKey: keyPair(1).publicKey },
]);

export function signed(facts: ReceiptFacts = FACTS, version = 2) {
  const { privateKey } = keyPair(version);
  return signReceipt(consentReceipt(facts), {
    did: facts.controller.did,
    version,
    privateKey,
    now: new Date("2026-03-03T12:00:01.000Z"),
  });
}
