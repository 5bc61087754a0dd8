import type { ControllerTransaction } from "#database";
import type { Merge } from "#identity";
import type { SubjectId } from "#schemas";
import { ledgerOf } from "./history.ts";
import type { ConsentChange } from "./ledger.ts";
import { currentState } from "./state.ts";

/**
 * What merges that were just made changed: what one of the two had chosen counts for both now. Tells a change unless
 * both had the same current state before, because somewhere the other's was known.
 */
export async function consentsChangedByMerges(
  tx: ControllerTransaction,
  merges: readonly Merge[],
): Promise<ConsentChange[]> {
  if (merges.length === 0) return [];
  const into = new Map(merges.map(({ merged, survivor }) => [merged, survivor]));
  const last = (id: SubjectId): SubjectId => {
    const next = into.get(id);
    return next === undefined ? id : last(next);
  };
  const before = await holdersBefore(tx, merges);
  const { records } = await ledgerOf(tx, [...new Set(merges.map(({ survivor }) => last(survivor)))]);
  return [...records.values()].flatMap((group) => {
    const [{ subjectId, purpose } = {}] = group;
    if (subjectId === undefined || purpose === undefined) return [];
    const parties = [subjectId, ...into.keys()].filter((id) => last(id) === subjectId);
    const states = parties.map((party) =>
      currentState(group.filter(({ holder }) => (before.get(holder) ?? subjectId) === party)),
    );
    return new Set(states.map((state) => state?.record.state)).size === 1 ? [] : [{ subjectId, purpose }];
  });
}

/** Of each subject that was merged, or had been merged into one that was: under which subject it stood before. */
async function holdersBefore(
  { sql, controllerId }: ControllerTransaction,
  merges: readonly Merge[],
): Promise<Map<SubjectId, SubjectId>> {
  const rows = await sql<{ merged: SubjectId; moved: SubjectId[] }[]>`
    select m.merged, m.moved from unnest(${merges.map(({ merged }) => merged)}::uuid[]) with ordinality as wanted(id, place)
    cross join lateral (
      select merged_subject as merged, to_json(moved) as moved from subject_merge
      where controller_id = ${controllerId} and merged_subject = wanted.id order by merged_at desc limit 1) as m
    order by place`;
  const before = new Map<SubjectId, SubjectId>();
  for (const { merged, moved } of rows)
    for (const id of [merged, ...moved]) if (!before.has(id)) before.set(id, merged);
  return before;
}

/** What is under way for a subject that was merged goes on under the survivor; where that has it under way too, once is enough. */
export async function movePushes(
  { sql, controllerId }: ControllerTransaction,
  merges: readonly Merge[],
): Promise<void> {
  for (const { merged, survivor } of merges) {
    await sql`update consent_push p set status = 'void', settled_at = now()
      where controller_id = ${controllerId} and subject_id = ${merged} and status = 'open' and exists (
        select from consent_push other where other.controller_id = ${controllerId} and other.subject_id = ${survivor}
          and other.purpose = p.purpose and other.connection_id = p.connection_id and other.status = 'open')`;
    await sql`update consent_push set subject_id = ${survivor}
      where controller_id = ${controllerId} and subject_id = ${merged} and status = 'open'`;
  }
}
