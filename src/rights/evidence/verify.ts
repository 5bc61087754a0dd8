import {
  asJson,
  assertionKey,
  logKeys,
  PROOF_FAULTS,
  type ProofFault,
  readDidDocument,
  verifyProof,
  verifyWorkflowProof,
} from "#audit";
import { type AuditEntry, RightsEvidence } from "#schemas";

/** Why evidence does not verify. Stable codes: scripts and reports rely on them. */
export const EVIDENCE_FAULTS = {
  ...PROOF_FAULTS,
  "evidence/malformed": "it is not evidence of this form",
  "evidence/did-document-malformed": "it cannot be checked with what is not a DID document",
  "evidence/wrong-controller": "it is not of the controller whose DID document this is",
  "evidence/unknown-key":
    "the DID document does not have the key that is said to have signed it, for this use",
  "evidence/altered": "it is not as it was signed, or that key did not sign it",
  "evidence/not-in-log":
    "it says something that the events of the log do not say, or leaves out what they do",
} as const;
export type EvidenceFault = ProofFault | keyof typeof EVIDENCE_FAULTS;

export type EvidenceVerification =
  | { readonly ok: true; readonly evidence: RightsEvidence; readonly events: number; readonly size: number }
  | { readonly ok: false; readonly fault: EvidenceFault };

/**
 * Whether evidence is as its controller signed it, and says what the controller's audit log says: with no more than the DID
 * document, which has to be had from where it can be trusted. The log's events are in it, each with the proof that it is in
 * the log. People's own words (notes) are signed, but the log has only their sealed form's hash.
 */
export function verifyEvidence(given: unknown, didDocument: unknown): EvidenceVerification {
  const no = (fault: EvidenceFault) => ({ ok: false, fault }) as const;
  const json = asJson(given);
  const { data: evidence } = RightsEvidence.safeParse(json);
  const document = readDidDocument(didDocument);
  if (evidence === undefined || json === undefined) return no("evidence/malformed");
  if (document === undefined) return no("evidence/did-document-malformed");
  if (evidence.controller.did !== document.id) return no("evidence/wrong-controller");
  const key = assertionKey(document, evidence.proof.verificationMethod);
  if (key === undefined) return no("evidence/unknown-key");
  if (!verifyProof(json, key)) return no("evidence/altered");
  const { workflow, events } = evidence.audit;
  if (workflow !== evidence.request.id) return no("evidence/not-in-log");
  const proven = verifyWorkflowProof(workflow, events, logKeys(document));
  if (!proven.ok) return no(proven.fault);
  if (
    !agrees(
      evidence,
      proven.events.map(({ event }) => event),
    )
  )
    return no("evidence/not-in-log");
  return {
    ok: true,
    evidence,
    events: events.length,
    size: Math.max(...proven.events.map(({ size }) => size)),
  };
}

/** Every move and every outcome is one of the log's, in its order, and the log has no other. */
function agrees({ request, moves, platforms }: RightsEvidence, events: readonly AuditEntry[]): boolean {
  const entity = `rights:${request.id}`;
  if (events.some((event) => event.entity !== entity || event.facts["kind"] !== request.kind)) return false;
  const said = events.filter(
    ({ type, facts }) => STATUSES.has(type) && (facts["from"] !== undefined || type === "rights.received"),
  );
  if (said.length !== moves.length) return false;
  const movesAgree = moves.every((move, place) => {
    const event = said[place];
    return (
      event?.type === `rights.${move.to}` &&
      event.actor === move.actor &&
      (event.facts["reason"] ?? null) === move.reason &&
      (event.facts["from"] ?? null) === move.from &&
      (event.body !== null) === (move.note !== null)
    );
  });
  const outcomes = new Map(
    events.flatMap(({ type, facts }) => (type === "rights.task" ? [[facts["task"], facts] as const] : [])),
  );
  const settled = platforms.filter(({ settledAt }) => settledAt !== null);
  return (
    movesAgree &&
    outcomes.size === settled.length &&
    settled.every((task) => {
      const facts = outcomes.get(task.id);
      return (
        facts?.["outcome"] === task.status &&
        (facts["connection"] ?? null) === task.connection &&
        (facts["reason"] ?? null) === task.reason &&
        (facts["basis"] ?? null) === task.basis
      );
    })
  );
}

const STATUSES: ReadonlySet<string> = new Set(
  RightsEvidence.shape.request.shape.status.options.map((status) => `rights.${status}`),
);
