import type { ConsentAnswer, ConsentTarget, HeldConsent, PersonThere } from "./consent.ts";

/**
 * One person whom a platform has several times, such as once for each of their addresses; undefined when there is none.
 *
 * An opt-out is theirs wherever they are written to, so a withdrawal goes to all of them. A grant goes to one, and to
 * none if one of them is granted already: nobody asked to be written to twice.
 */
export function onePerson(entries: readonly PersonThere[]): PersonThere | undefined {
  const [first, ...others] = entries;
  if (first === undefined || others.length === 0) return first;

  const holding = (target: ConsentTarget): Holding[] =>
    entries.flatMap((entry) => {
      const held = entry.held(target);
      return held === undefined ? [] : [{ entry, held }];
    });

  return {
    held: (target) => foremost(holding(target))?.held,
    covers: (target, wish) => [...new Set(entries.flatMap((entry) => entry.covers?.(target, wish) ?? []))],
    async set(target, wish) {
      const there = holding(target);
      if (wish.state === "granted") return (foremost(there)?.entry ?? first).set(target, wish);
      const after: ConsentAnswer[] = [];
      for (const { entry, held } of there)
        after.push(held.state === "withdrawn" ? { answer: "held", held } : await entry.set(target, wish));
      const open = after.find(({ answer }) => answer !== "held");
      const left = after.flatMap((one) => (one.answer === "held" && one.held ? [{ held: one.held }] : []));
      return open ?? { answer: "held", held: foremost(left)?.held };
    },
  };
}

interface Holding {
  readonly entry: PersonThere;
  readonly held: HeldConsent;
}

/** What counts when entries differ: who may be written to anywhere has not opted out, and an opt-out outweighs no answer. */
const WEIGHT = { granted: 4, withdrawn: 3, denied: 3, pending: 2, not_asked: 1 } as const;

function foremost<T extends { readonly held: HeldConsent }>(holdings: readonly T[]): T | undefined {
  return holdings.toSorted(({ held: a }, { held: b }) => weigh(b) - weigh(a) || time(b) - time(a))[0];
}

/** A block counts less than a state, and the later of two equal ones more. */
const weigh = ({ state, blocked }: HeldConsent) => WEIGHT[state] + (blocked === undefined ? 0.5 : 0);
const time = ({ since }: HeldConsent) => (since === undefined ? 0 : Date.parse(since));
