import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction } from "#database";
import { lockController, subjectById } from "#identity";
import type { ConnectionId, EvidenceReference, HoldGround, LegalHoldView, SubjectId } from "#schemas";
import { rightsErrors } from "./errors.ts";

/**
 * Keeps everything of a person from erasure, on a ground of GDPR Art. 17(3). Throws `subject/unknown` if they were
 * erased meanwhile: an erasure holds the same lock, so that either it sees the hold, or there is nobody left to hold.
 */
export async function placeHold(
  tx: ControllerTransaction,
  subject: { readonly id: SubjectId; readonly auditReference: Uint8Array },
  ground: HoldGround,
  reference: EvidenceReference,
): Promise<string> {
  await lockController(tx);
  if ((await subjectById(tx, subject.id)) === undefined) throw rightsErrors.unknownSubject();
  const id = uuid();
  await tx.sql`insert into legal_hold (controller_id, id, subject_id, ground, reference)
    values (${tx.controllerId}, ${id}, ${subject.id}, ${ground}, ${reference})`;
  await appendEvents(tx, [
    {
      ...{ workflow: id, type: "hold.placed", entity: `hold:${id}`, actor: "operator" },
      // Not the reference: the company's own file would lead to the person for ever.
      ...{ subject: subject.auditReference, facts: { ground } },
    },
  ]);
  return id;
}

/** Releases all holds of a person; returns how many there were. */
export async function releaseHolds(
  tx: ControllerTransaction,
  subject: { readonly id: SubjectId; readonly auditReference: Uint8Array },
): Promise<number> {
  const holds = await holdsOf(tx, subject.id);
  const ids = holds.map(({ id }) => id);
  await tx.sql`update legal_hold set released_at = now() where controller_id = ${tx.controllerId} and id = any(${ids}::uuid[])`;
  await appendEvents(
    tx,
    ids.map((id) => ({
      ...{ workflow: id, type: "hold.released", entity: `hold:${id}`, actor: "operator" },
      subject: subject.auditReference,
    })),
  );
  return ids.length;
}

/** The holds on a person that stand, also those placed on somebody merged into them. */
export async function holdsOf(
  { sql, controllerId }: ControllerTransaction,
  subject: SubjectId,
): Promise<LegalHoldView[]> {
  const rows = await sql<LegalHoldView[]>`
    select h.id, h.controller_id as controller, coalesce(s.merged_into, s.id) as subject, h.ground, h.reference, h.placed_at as "placedAt"
    from legal_hold h join subject s on s.controller_id = h.controller_id and s.id = h.subject_id
    where h.controller_id = ${controllerId} and h.released_at is null and (s.id = ${subject} or s.merged_into = ${subject})
    order by h.placed_at`;
  return rows.map((row) => ({ ...row, placedAt: new Date(row.placedAt).toISOString() }));
}

/** Whether a hold stands on any of these subjects. */
export async function areHeld(
  { sql, controllerId }: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<boolean> {
  const held = await sql`select from legal_hold
    where controller_id = ${controllerId} and subject_id = any(${[...subjects]}::uuid[]) and released_at is null limit 1`;
  return held.length > 0;
}

/** Throws `rights/legal-hold` with the reason if nothing of the person may be erased. */
export async function checkHolds(tx: ControllerTransaction, subject: SubjectId | null): Promise<void> {
  const [hold] = subject === null ? [] : await holdsOf(tx, subject);
  if (hold !== undefined) throw rightsErrors.onHold(hold.ground, hold.reference);
}

/** People who are on hold, and known through this connection. */
export async function heldThrough(
  { sql, controllerId }: ControllerTransaction,
  connectionId: ConnectionId,
): Promise<SubjectId[]> {
  const rows = await sql<{ id: SubjectId }[]>`
    select distinct coalesce(s.merged_into, s.id) as id from legal_hold h
    join subject s on s.controller_id = h.controller_id and s.id = h.subject_id
    where h.controller_id = ${controllerId} and h.released_at is null and exists (
      select from subject f join identifier_source i on i.controller_id = f.controller_id and i.subject_id = f.id
      where f.controller_id = h.controller_id and i.connection_id = ${connectionId}
        and coalesce(f.merged_into, f.id) = coalesce(s.merged_into, s.id))`;
  return rows.map(({ id }) => id);
}

/** Released holds of people who are erased tell nothing any more. */
export async function forgetHolds(
  { sql, controllerId }: ControllerTransaction,
  { family }: { family: readonly SubjectId[] },
): Promise<void> {
  await sql`delete from legal_hold where controller_id = ${controllerId} and subject_id = any(${[...family]}::uuid[])
    and released_at is not null`;
}
