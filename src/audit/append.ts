import { hash } from "node:crypto";
import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import type { AuditEntry } from "#schemas";
import { writeEntry } from "./entry.ts";
import { auditErrors } from "./errors.ts";

const MAX_ENTRY = 64 * 1024;

/** What happened, to be completed with its place in the controller's log. */
export interface EventDraft {
  /** The chain that the event belongs to: the id of the delivery, or of one administrative act. */
  readonly workflow: string;
  readonly type: `${string}.${string}`;
  readonly entity: string;
  readonly actor: string;
  readonly subject?: Uint8Array | undefined;
  readonly body?: AuditEntry["body"];
  readonly facts?: AuditEntry["facts"];
}

/**
 * Adds events to the controller's log, in the transaction of the effects that they describe. Takes no lock:
 * the sequencer puts committed events in order afterwards. Each event names the hash of its workflow's last one.
 */
export async function appendEvents(tx: ControllerTransaction, drafts: readonly EventDraft[]): Promise<void> {
  if (drafts.length === 0) return;
  const tails = await lastOfChains(tx, [...new Set(drafts.map(({ workflow }) => workflow))]);
  const time = clock();
  const workflows: string[] = [];
  const positions: number[] = [];
  const entries: string[] = [];
  for (const draft of drafts) {
    const tail = tails.get(draft.workflow);
    const position = tail === undefined ? 0 : tail.position + 1;
    const entry = encode(tx, draft, time(), position, tail?.hash ?? null);
    tails.set(draft.workflow, { position, hash: hash("sha256", entry, "hex") });
    workflows.push(draft.workflow);
    positions.push(position);
    entries.push(entry);
  }
  // One entry a line, because JCS escapes every line break: as `bytea[]` they would be twice as long to send and to read.
  await tx.sql`insert into audit_event (controller_id, workflow_id, position, entry)
    select ${tx.controllerId}::uuid, workflow, position, convert_to(entry, 'UTF8') from unnest(${workflows}::uuid[], ${positions}::int[],
      string_to_array(${entries.join("\n")}, E'\n')) as t(workflow, position, entry)`;
}

interface Tail {
  readonly position: number;
  readonly hash: string;
}

async function lastOfChains(tx: ControllerTransaction, workflows: string[]): Promise<Map<string, Tail>> {
  const rows = await tx.sql<({ workflow: string } & Tail)[]>`
    select w.id as workflow, last.position, encode(sha256(last.entry), 'hex') as hash
    from unnest(${workflows}::uuid[]) as w(id) cross join lateral (
      select e.position, e.entry from audit_event e
      where e.controller_id = ${tx.controllerId} and e.workflow_id = w.id order by e.position desc limit 1) as last`;
  return new Map(rows.map(({ workflow, ...tail }) => [workflow, tail]));
}

function encode(
  tx: ControllerTransaction,
  draft: EventDraft,
  time: string,
  position: number,
  previous: string | null,
): string {
  const entry: AuditEntry = {
    v: 1,
    controller: tx.controllerId,
    event: uuid(),
    type: draft.type,
    entity: draft.entity,
    time,
    actor: draft.actor,
    workflow: draft.workflow,
    position,
    previous,
    subject: draft.subject === undefined ? null : Buffer.from(draft.subject).toString("hex"),
    body: draft.body ?? null,
    facts: draft.facts ?? {},
  };
  const text = writeEntry(entry);
  if (Buffer.byteLength(text) > MAX_ENTRY) throw auditErrors.tooLarge();
  return text;
}

/** RFC 3339 instants with microseconds: the clock's milliseconds, and a count within them so that order shows. */
function clock(): () => string {
  let last = 0;
  let count = 0;
  return () => {
    const now = Math.max(Date.now(), last);
    count = now === last ? Math.min(count + 1, 999) : 0;
    last = now;
    return `${new Date(now).toISOString().slice(0, -1)}${String(count).padStart(3, "0")}Z`;
  };
}
