import type { CorrectedField, Corrections, KnownPerson, RightsApi } from "#kit";
import type { Outcome } from "./settle.ts";

/** Sets what was wrong in every entry that a platform has of a person. To do so twice is the same as once. */
export async function rectifyThere(
  api: RightsApi,
  person: KnownPerson,
  corrections: Corrections,
): Promise<Outcome> {
  const entries = await api.find(person);
  if (entries.length === 0) return { status: "not_found", entries: 0 };
  const left = new Set<CorrectedField>();
  let accepted = false;
  for (const { rectify } of entries) {
    const answer = await rectify?.(corrections);
    const unsupported = answer?.unsupported ?? (Object.keys(corrections) as CorrectedField[]);
    for (const field of unsupported) left.add(field);
    accepted ||= (answer?.accepted.length ?? 0) > 0;
  }
  if (left.size > 0) return { status: "manual", reason: "fields_unsupported", entries: entries.length };
  return { status: accepted ? "done" : "done_verified", entries: entries.length };
}
