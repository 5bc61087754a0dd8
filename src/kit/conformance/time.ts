import { type Case, mustBeLetIn, mustBeRefused, NOW } from "./case.ts";

/** A request is let in up to the exact limit of its scheme's tolerance, on both sides, and not a second later. */
export function wrongTimes(tried: Case, tolerance: number): string[] {
  const { parts } = tried;
  const limit = tolerance * 1_000;
  const day = 86_400_000;
  const refuse = (what: string, now: number) => mustBeRefused(tried, what, parts, { now });
  return [
    ...mustBeLetIn(tried, `${tolerance} s old`, parts, { now: NOW + limit }),
    ...mustBeLetIn(tried, `${tolerance} s ahead`, parts, { now: NOW - limit }),
    ...refuse(`${tolerance + 1} s old`, NOW + limit + 1_000),
    ...refuse(`${tolerance + 1} s ahead`, NOW - limit - 1_000),
    ...refuse("a day old", NOW + limit + day),
    ...refuse("a day ahead", NOW - limit - day),
  ];
}
