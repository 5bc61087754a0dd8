import type { Dose, Outcome } from "../harness.ts";

/** Changes that were not found after which there is no need to go on. */
const ENOUGH = 3;

/**
 * Counts what was tried, by kind, and what was found. `byDesign` are the kinds that cannot be found,
 * `refusedByDesign` those that the database does not let happen.
 */
export function openTally(
  { seed, foundOut }: Pick<Dose, "seed" | "foundOut">,
  byDesign: Readonly<Record<string, string>>,
  refusedByDesign: readonly string[],
) {
  const kinds = new Map<string, { made: number; missed: number }>();
  const broken: string[] = [];
  let refused = 0;
  const changes = () => [...kinds.values()].reduce((sum, { made }) => sum + made, 0);
  const missed = (known: boolean) =>
    [...kinds].filter(([kind, one]) => one.missed > 0 && kind in byDesign === known);

  const enough = () => broken.length >= ENOUGH || foundOut(broken);

  return { add, broke, changes, looksComplete, enough, outcome };

  function add(kind: string, made: boolean, found: boolean, place = ""): void {
    const one = kinds.get(kind) ?? { made: 0, missed: 0 };
    kinds.set(kind, one);
    if (made) one.made++;
    else refused++;
    if (!made || found) return;
    one.missed++;
    if (!(kind in byDesign)) broke(`change ${changes()} was not found: ${kind} ${place}`.trim());
  }

  function broke(what: string): void {
    broken.push(`seed ${seed}: ${what}`);
  }

  /** By now each kind was tried, so that a list of those that cannot be made or found must name no other. */
  function looksComplete(): void {
    for (const [kind, { made }] of kinds)
      if ((made === 0) !== refusedByDesign.includes(kind))
        broke(made === 0 ? `changed nothing: ${kind}` : `said to be refused, and it is not: ${kind}`);
    for (const kind of Object.keys(byDesign))
      if ((kinds.get(kind)?.missed ?? 0) === 0)
        broke(`said not to be found, and it is, or was not tried: ${kind}`);
  }

  function outcome(more: Outcome["figures"]): Outcome {
    const unknown = missed(false).reduce((sum, [, one]) => sum + one.missed, 0);
    const known = missed(true).map(([kind]) => kind);
    return {
      figures: {
        ...{ changes: changes(), kinds: kinds.size, "refused by the database": refused, ...more },
        ...{ undetected: unknown, "undetected by design (kinds)": known.length },
        "undetected by design": known.sort().join("; "),
      },
      broken,
    };
  }
}
