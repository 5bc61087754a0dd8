import type { ErasureState, KnownPerson, PersonEntry, Retention, RightsApi } from "#kit";
import { LetheError, Personal } from "#schemas";
import type { Outcome } from "./settle.ts";
import type { Asked } from "./task.ts";

export interface ErasureTask {
  readonly api: RightsApi;
  /** To ask twice is the same as once. */
  readonly repeatable: boolean;
  readonly person: KnownPerson;
  /** Of which entries it was asked before. */
  readonly asked: readonly Asked[];
  /** Commits what is about to be asked for, or was. */
  readonly note: (asked: readonly Asked[]) => Promise<void>;
}

/**
 * Asks a platform to erase all that it has of a person. Of each entry it is noted before the request leaves that it may have
 * been made: so that after a crash, or an answer that was lost, nobody is asked for twice who may not be. `asked`: what
 * came of it shows later, by {@link readBackErasure}.
 */
export async function eraseThere(
  task: ErasureTask,
): Promise<Outcome | { readonly asked: readonly Asked[]; readonly left: number }> {
  const entries = await task.api.find(task.person);
  if (entries.length === 0 && task.asked.length === 0) return { status: "not_found", entries: 0 };
  let asked = [...task.asked];
  for (const entry of entries) asked = await askOnce(task, entry, asked);
  // Entries that the API cannot erase are somebody's to see to.
  const left = entries.filter(({ erase }) => erase === undefined).length;
  if (asked.length === 0) return { status: "manual", reason: "no_api", entries: entries.length };
  return { asked, left };
}

async function askOnce(task: ErasureTask, entry: PersonEntry, before: Asked[]): Promise<Asked[]> {
  const id = entry.id.reveal();
  const known = before.find((one) => one.id === id);
  if (entry.erase === undefined || known?.answered === true) return before;
  if (known !== undefined && !task.repeatable) return before;
  const others = before.filter((one) => one.id !== id);
  await task.note([...others, { id, receipt: null, answered: false }]);
  try {
    const { receipt = null } = await entry.erase();
    const after = [...others, { id, receipt, answered: true }];
    await task.note(after);
    return after;
  } catch (error) {
    if (wasNotDone(error)) await task.note(others);
    throw error;
  }
}

/** The platform said that it did nothing. Anything else may have been done, though its answer did not reach us. */
function wasNotDone(error: unknown): boolean {
  return (
    error instanceof LetheError &&
    /^platform\/(rate-limited|refused|unauthorised|no-credentials|not-renewed|not-set-up)$/.test(error.code)
  );
}

/** Milliseconds beyond which it is not waited for what a platform puts off. */
const PATIENCE = 12 * 86_400_000;

/**
 * What became of what was asked for; undefined while it is worth waiting. `last`: it is not any more. `left`: entries that the
 * API could not erase. `retainedUntil`: when a period by law ends that counts from a record's time.
 */
export async function readBackErasure(
  api: RightsApi,
  asked: readonly Asked[],
  options: {
    last: boolean;
    left: number;
    now: number;
    retainedUntil: (retention: Retention) => string | null;
  },
): Promise<Outcome | undefined> {
  const states: ErasureState[] = [];
  for (const { id, receipt } of asked)
    states.push((await api.erased?.({ id: new Personal(id), receipt })) ?? { state: "unknown" });
  const has = (state: ErasureState["state"]) => states.some((one) => one.state === state);
  const entries = asked.length + options.left;
  if (has("refused")) return { status: "failed", reason: "refused_there", entries };
  const retention = latest(states, options.retainedUntil);
  const putOff = states.every(
    ({ state, ...more }) =>
      state !== "pending" ||
      ("retained" in more && Date.parse(more.retained?.until ?? "") > options.now + PATIENCE),
  );
  if (!options.last && (has("there") || (has("pending") && !putOff))) return undefined;
  // What the platform itself puts off, and says until when, is its retention; of anything else nobody can say.
  const said = states.every(({ state, ...more }) => state !== "pending" || "retained" in more);
  if (has("there") || (has("pending") && !said))
    return { status: "manual", reason: "not_confirmed", entries };
  const kept = retention === undefined ? {} : { retained: retention };
  if (options.left > 0) return { status: "manual", reason: "no_api", entries, ...kept };
  if (has("pending")) return { status: "retained", reason: "put_off", entries, ...kept };
  if (retention !== undefined) return { status: "retained", entries, ...kept };
  return { status: has("unknown") ? "done" : "done_verified", entries };
}

/** Of everything that is kept: all categories, and when the last of it goes. */
function latest(
  states: readonly ErasureState[],
  retainedUntil: (retention: Retention) => string | null,
): Outcome["retained"] {
  const kept = states.flatMap((one) =>
    "retained" in one && one.retained !== undefined ? [one.retained] : [],
  );
  const [first] = kept;
  if (first === undefined) return undefined;
  const ends = kept.map(retainedUntil);
  return {
    basis: first.basis,
    categories: [...new Set(kept.flatMap(({ categories }) => categories))],
    until: ends.includes(null)
      ? null
      : (ends
          .filter((end) => end !== null)
          .sort()
          .at(-1) ?? null),
  };
}
