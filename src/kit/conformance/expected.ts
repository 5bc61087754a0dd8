import { isDeepStrictEqual } from "node:util";
import type { Connector } from "../connector.ts";
import { type Fixture, fixtureDoor, signFixture } from "../fixtures.ts";
import { outcomeOf } from "../outcome.ts";
import { keyFor, NOW } from "./case.ts";

/** The fixture's request, signed, gives exactly what the fixture expects. */
export async function unexpected(connector: Connector, fixture: Fixture): Promise<string[]> {
  const key = keyFor(fixtureDoor(connector, fixture).signature);
  const request = signFixture(connector, fixture, key.signing, NOW);
  const expected = { secrets: [key.secret], account: null };
  const outcome = await outcomeOf(connector, request, expected, { now: NOW, answers: fixture.answers });
  return isDeepStrictEqual(outcome, fixture.expect) ? [] : [difference(fixture.expect, outcome)];
}

/** Both as JSON, line by line: `-` was expected and is not there, `+` is there and was not expected. */
function difference(expected: unknown, actual: unknown): string {
  const [before, after] = [expected, actual].map((value) => JSON.stringify(value, null, 2).split("\n"));
  const kept = common(before ?? [], after ?? []);
  const lines = ["it gives something else (- expected, + given):"];
  let [i, j] = [0, 0];
  for (const [atBefore, atAfter] of [...kept, [before?.length ?? 0, after?.length ?? 0] as const]) {
    for (; i < atBefore; i++) lines.push(`- ${before?.[i]}`);
    for (; j < atAfter; j++) lines.push(`+ ${after?.[j]}`);
    if (i < (before?.length ?? 0)) lines.push(`  ${before?.[i]}`);
    i++;
    j++;
  }
  return lines.join("\n");
}

/** The longest common subsequence of two lists of lines, as pairs of places. */
function common(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}
