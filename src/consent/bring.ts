import type { ConsentApi, ConsentTarget, ConsentWish, HeldConsent, KnownPerson, PersonThere } from "#kit";
import type { ConsentPurpose, PushReason } from "#schemas";
import { consentErrors } from "./errors.ts";
import { type Grant, type KnownOptOut, mayLift } from "./lift.ts";
import { type Direction, directionOf } from "./state.ts";

/** What a platform is to hold of a person, and what has to be known to bring it there. */
export interface Task {
  readonly person: KnownPerson;
  readonly targets: readonly ConsentTarget[];
  readonly wish: ConsentWish;
  readonly grant: Grant;
  readonly known: KnownOptOut;
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
  const { person, targets, wish } = task;
  if (person.platformIds.length + person.emails.length + person.phones.length === 0)
    return { status: "manual", reason: "no_address" };
  const there = await api.find(person);
  if (there === undefined) return { status: "manual", reason: "not_found" };
  let accepted = false;
  for (const target of targets) {
    const held = there.held(target);
    if (held === undefined) return { status: "unsupported", reason: "no_address" };
    if (directionOf(held.state) === wish.state && held.blocked === undefined) continue;
    // Who is blocked there is not written to, which is what was wanted; and not what a grant may lift.
    if (held.blocked !== undefined && wish.state === "withdrawn" && held.state !== "granted") continue;
    const lift = wish.state === "granted" ? mayLift(task.grant, held, task.known) : { may: true as const };
    if (!lift.may)
      return "reason" in lift
        ? { status: "manual", reason: lift.reason }
        : { status: "opted_out", optedOutAt: lift.optedOutAt };
    if (!(await sending(wish.state, there.covers?.(target, wish) ?? []))) return { status: "changed" };
    const answer = await there.set(target, wish);
    if (answer.answer === "confirmation_needed") return { status: "manual", reason: "confirmation_needed" };
    if (answer.answer === "accepted") accepted = true;
    else if (!holds(answer.held, wish.state)) throw consentErrors.notApplied();
  }
  return { status: accepted ? "done" : "done_verified" };
}

/** Whether the platform says to hold, in all places, what it should. */
export async function readBack(
  api: ConsentApi,
  { person, targets, wish }: Pick<Task, "person" | "targets" | "wish">,
): Promise<boolean> {
  const there: PersonThere | undefined = await api.find(person);
  return there !== undefined && targets.every((target) => holds(there.held(target), wish.state));
}

const holds = (held: HeldConsent | undefined, wanted: Direction) =>
  held !== undefined && directionOf(held.state) === wanted;
