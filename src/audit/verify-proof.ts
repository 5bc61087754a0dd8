import { hash } from "node:crypto";
import type { AuditEntry } from "#schemas";
import { readEntry } from "./entry.ts";
import { type Hash, leafHash, rootFromInclusion, same } from "./merkle.ts";
import { readCheckpoint, readVerifierKey } from "./note.ts";
import type { ProvenEvent } from "./proof.ts";

/** Why an event's proof does not hold. Stable codes: scripts and reports rely on them. */
export const PROOF_FAULTS = {
  "proof/malformed": "it is not a proof of this form",
  "proof/other-log": "its checkpoint is another log's",
  "proof/checkpoint-forged": "its checkpoint is not signed by a key of the log",
  "proof/not-included": "the entry is not at that place of the log",
  "proof/entry-malformed": "what is in the log there is not an event",
  "proof/chain-broken": "the events are not those of the workflow, from the first, one after the other",
} as const;
export type ProofFault = keyof typeof PROOF_FAULTS;

export interface VerifiedEvent {
  readonly event: AuditEntry;
  /** The log: its controller's DID. */
  readonly origin: string;
  /** Place in the log, from 0. */
  readonly seq: number;
  /** The checkpoint: over how many events, their root (hex), and when it was signed (RFC 3339), as the signer says. */
  readonly size: number;
  readonly root: string;
  readonly time: string;
}

export type EventVerification =
  | ({ readonly ok: true } & VerifiedEvent)
  | { readonly ok: false; readonly fault: ProofFault };

/**
 * Whether an event is in a log, by the entry's text and a C2SP tlog-proof (https://c2sp.org/tlog-proof), with no more than the log's verifier
 * keys: those of the controller's DID document (`logKeys`), had from where it can be trusted. Every byte of both counts.
 */
export function verifyEventProof(entry: string, proof: string, keys: readonly string[]): EventVerification {
  const no = (fault: ProofFault) => ({ ok: false, fault }) as const;
  const end = proof.indexOf("\n\n");
  const head = /^c2sp\.org\/tlog-proof@v1\nindex (0|[1-9]\d{0,14})\n((?:[A-Za-z0-9+/]{43}=\n)*)$/.exec(
    proof.slice(0, end + 1),
  );
  const path = hashes(head?.[2] ?? "");
  if (end < 0 || head === null || path === undefined) return no("proof/malformed");
  const note = proof.slice(end + 2);
  const origin = note.slice(0, note.indexOf("\n"));
  const known = keys.flatMap((key) => readVerifierKey(key) ?? []);
  const ofLog = known.flatMap(({ name, publicKey }) => (name === origin ? [publicKey] : []));
  const checkpoint = readCheckpoint(note, ofLog);
  if (checkpoint === "malformed") return no("proof/malformed");
  if (ofLog.length === 0) return no("proof/other-log");
  if (checkpoint === "unsigned") return no("proof/checkpoint-forged");
  const [seq, bytes] = [Number(head[1]), Buffer.from(entry, "utf8")];
  const root = rootFromInclusion(leafHash(bytes), seq, checkpoint.size, path);
  // Of a text with half a character, the bytes would be those of another text too.
  if (root === undefined || !same(root, checkpoint.root) || bytes.toString("utf8") !== entry)
    return no("proof/not-included");
  const event = readEntry(bytes);
  if (event === undefined) return no("proof/entry-malformed");
  const { size, time } = checkpoint;
  return { ok: true, event, origin, seq, size, root: Buffer.from(root).toString("hex"), time };
}

export type WorkflowVerification =
  | { readonly ok: true; readonly events: readonly VerifiedEvent[] }
  | {
      readonly ok: false;
      readonly fault: ProofFault;
      /** Which one of them, from 0. */
      readonly at: number;
    };

/**
 * Whether these are a workflow's events in the log, from its first, in order, none left out between: each proven, and naming the hash of the
 * one before. Whether it went on after the last, they cannot say.
 */
export function verifyWorkflowProof(
  workflow: string,
  proven: readonly ProvenEvent[],
  keys: readonly string[],
): WorkflowVerification {
  const events: VerifiedEvent[] = [];
  let previous: string | null = null;
  for (const [at, { entry, proof }] of proven.entries()) {
    const result = verifyEventProof(entry, proof, keys);
    if (!result.ok) return { ...result, at };
    const { ok: _, ...verified } = result;
    const { event } = verified;
    if (event.workflow !== workflow || event.position !== at || event.previous !== previous)
      return { ok: false, fault: "proof/chain-broken", at };
    previous = hash("sha256", entry, "hex");
    events.push(verified);
  }
  return events.length === 0 ? { ok: false, fault: "proof/chain-broken", at: 0 } : { ok: true, events };
}

/** Lines of base64, each a hash; undefined if spare bits would make two texts of one. */
function hashes(lines: string): Hash[] | undefined {
  const texts = lines.split("\n").slice(0, -1);
  const read = texts.map((text) => Buffer.from(text, "base64"));
  return read.every((bytes, i) => bytes.toString("base64") === texts[i]) ? read : undefined;
}
