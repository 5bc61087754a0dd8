import type { ConsentApi, ConsentTarget, ConsentWish, HeldConsent, KnownPerson, PersonThere } from "#kit";
import type { ConsentPurpose, PushReason } from "#schemas";
import { consentErrors } from "./errors.ts";
import { type Grant, type KnownThere, mayLift } from "./lift.ts";
import { type Direction, directionOf } from "./state.ts";

/** What a platform is to hold of a person, and what has to be known to bring it there. */
export interface Task {
  readonly person: KnownPerson;
  readonly targets: readonly ConsentTarget[];
  readonly wish: ConsentWish;
  readonly grant: Grant;
  readonly known: KnownThere;
}

/** How it ended. `changed`: the person chose anew before anything was sent. */
export type Brought =
  | { readonly status: "done_verified" | "done" }
  | { readonly status: "changed" }
  | { readonly status: "unsupported" | "manual"; readonly reason: PushReason }
  /** The platform holds an opt-out that we had not seen, later than the grant. ISO 8601. */
  | { readonly status: "opted_out"; readonly optedOutAt: string };

/**
 * Finds the person at the platform and, unless it holds what it should, sets it; then compares with what it says to
 * hold. `sending` is asked before anything is sent: it notes that, and tells whether the choice still stands. Throws `platform/*`.
 */
export async function bringInStep(
  api: ConsentApi,
  task: Task,
  sending: (state: Direction, also: readonly ConsentPurpose[]) => Promise<boolean>,
): Promise<Brought> {
  const { person, targets } = task;
  if (person.platformIds.length + person.emails.length + person.phones.length === 0)
    return { status: "manual", reason: "no_address" };
  const there = await api.find(person);
  if (there === undefined) return { status: "manual", reason: "not_found" };
  const results: Brought[] = [];
  for (const target of targets) {
    const result = await bringTo(there, target, task, sending);
    if (result?.status === "changed") return result;
    if (result !== undefined) results.push(result);
  }
  // One place that could not be brought in step says more than those that could.
  const [worst] = results.sort((a, b) => GRAVITY.indexOf(a.status) - GRAVITY.indexOf(b.status));
  return worst ?? { status: "unsupported", reason: targets.length === 0 ? "purpose_not_held" : "no_address" };
}

const GRAVITY: readonly Brought["status"][] = ["opted_out", "manual", "unsupported", "done", "done_verified"];

/** Undefined where there is nothing to hold it for. */
async function bringTo(
  there: PersonThere,
  target: ConsentTarget,
  { wish, grant, known }: Task,
  sending: (state: Direction, also: readonly ConsentPurpose[]) => Promise<boolean>,
): Promise<Brought | undefined> {
  const held = there.held(target);
  if (held === undefined) return undefined;
  if (directionOf(held.state) === wish.state && held.blocked === undefined)
    return { status: "done_verified" };
  // Who is blocked there is not written to, which is what was wanted; and not what a grant may lift.
  if (held.blocked !== undefined && wish.state === "withdrawn" && held.state !== "granted")
    return { status: "done_verified" };
  const lift = wish.state === "granted" ? mayLift(grant, held, known) : { may: true as const };
  if (!lift.may)
    return "reason" in lift
      ? { status: "manual", reason: lift.reason }
      : { status: "opted_out", optedOutAt: lift.optedOutAt };
  if (!(await sending(wish.state, there.covers?.(target, wish) ?? []))) return { status: "changed" };
  const answer = await there.set(target, wish);
  if (answer.answer === "confirmation_needed") return { status: "manual", reason: "confirmation_needed" };
  if (answer.answer === "accepted") return { status: "done" };
  if (!holds(answer.held, wish.state)) throw consentErrors.notApplied();
  return { status: "done_verified" };
}

/** Whether the platform says to hold, in all places, what it should. */
export async function readBack(
  api: ConsentApi,
  { person, targets, wish }: Pick<Task, "person" | "targets" | "wish">,
): Promise<boolean> {
  const there: PersonThere | undefined = await api.find(person);
  return there !== undefined && targets.every((target) => isSo(there.held(target), wish.state));
}

/** Where there is nothing to hold it for, nothing is to be seen. */
const isSo = (held: HeldConsent | undefined, wanted: Direction) =>
  held === undefined || directionOf(held.state) === wanted;

const holds = (held: HeldConsent | undefined, wanted: Direction) =>
  held !== undefined && directionOf(held.state) === wanted;
