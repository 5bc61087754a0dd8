import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ErasureState, type PersonEntry, platformErrors, type RightsApi } from "#kit";
import { Personal } from "#schemas";
import { eraseThere, readBackErasure } from "./erase-there.ts";
import type { Asked } from "./task.ts";

const nobody = { platformIds: [], emails: [], phones: [] };
const entryOf = (id: string, erase: PersonEntry["erase"]): PersonEntry => ({
  id: new Personal(id),
  ...(erase && { erase }),
});

/** What can happen to one request that destroys. */
const HAPPENINGS = ["done", "refused", "lost answer", "crash before", "crash after", "overloaded"] as const;
type Happening = (typeof HAPPENINGS)[number];

/** A platform with some entries of a person, where each call goes as it is told; and what was noted survives a crash. */
function world(size: number, happenings: readonly Happening[], repeatable: boolean) {
  const calls = new Map<string, number>();
  const mayHaveBeenDone = new Set<string>();
  const left = [...happenings];
  let stored: readonly Asked[] = [];
  const crash = () => new Error("the process is gone");
  const erase = (id: string) => async () => {
    const happens = left.shift() ?? "done";
    if (happens === "crash before") throw crash();
    calls.set(id, (calls.get(id) ?? 0) + 1);
    if (!repeatable) expect(mayHaveBeenDone.has(id), "asked for again what may have been done").toBe(false);
    if (happens === "refused") throw platformErrors.refused(409);
    if (happens === "overloaded") throw platformErrors.rateLimited(undefined);
    mayHaveBeenDone.add(id);
    if (happens === "lost answer") throw platformErrors.unavailable(502);
    if (happens === "crash after") throw crash();
    return { receipt: `r-${id}` };
  };
  const ids = Array.from({ length: size }, (_, n) => `id-${n}`);
  // Nothing is gone at once: whoever looks finds everybody, as with a platform that takes its time.
  const api: RightsApi = { find: async () => ids.map((id) => entryOf(id, erase(id))) };
  return {
    ...{ calls, mayHaveBeenDone, ids, left },
    attempt: () =>
      eraseThere({
        ...{ api, repeatable, person: nobody, asked: stored },
        note: async (asked) => {
          stored = asked;
        },
      }),
    stored: () => stored,
  };
}

describe("an erasure that is tried until it is through, whatever happens to its requests", () => {
  const happenings = fc.array(fc.constantFrom(...HAPPENINGS), { maxLength: 12 });

  test("asks for nothing twice that may have been done, and leaves nobody out", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), happenings, async (size, plan) => {
        const there = world(size, plan, false);
        for (let tries = 0; tries <= plan.length + size; tries++)
          if ("asked" in (await there.attempt().catch(() => ({})))) break;
        // A crash before the request leaves looks like one after it: then somebody has to look.
        const asked = there.stored().map(({ id }) => id);
        expect([...asked].sort()).toEqual(there.ids);
        for (const id of there.mayHaveBeenDone) expect(asked).toContain(id);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test("where twice is the same as once, everybody was answered for in the end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), happenings, async (size, plan) => {
        const there = world(size, plan, true);
        for (let tries = 0; tries <= plan.length + size; tries++)
          if ("asked" in (await there.attempt().catch(() => ({})))) break;
        expect(there.stored().every(({ answered, receipt }) => answered && receipt !== null)).toBe(true);
        expect(there.stored()).toHaveLength(size);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test("of nobody there it is not found, and of entries that cannot be erased it is somebody's", async () => {
    const note = async () => {};
    const of = (entries: readonly PersonEntry[]) =>
      eraseThere({ api: { find: async () => entries }, repeatable: false, person: nobody, asked: [], note });
    expect(await of([])).toEqual({ status: "not_found", entries: 0 });
    expect(await of([entryOf("a", undefined)])).toEqual({ status: "manual", reason: "no_api", entries: 1 });
  });
});

const BOOKS = {
  basis: "legal_obligation",
  categories: ["payment"],
  until: "2036-12-31T00:00:00.000Z",
} as const;
const SOON = { ...BOOKS, until: "2026-11-25T00:00:00.000Z" } as const;
const gone: ErasureState = { state: "gone" };
const there: ErasureState = { state: "there" };
const pending: ErasureState = { state: "pending" };

describe("what is seen when it is looked at again", () => {
  const look = (states: readonly ErasureState[], options: { last?: boolean; left?: number } = {}) => {
    const left = [...states];
    const api: RightsApi = {
      find: async () => [],
      erased: async () => left.shift() ?? { state: "unknown" },
    };
    const asked = states.map((_, n) => ({ id: `id-${n}`, receipt: null, answered: true }));
    return readBackErasure(api, asked, {
      ...{ last: false, left: 0, now: Date.parse("2026-11-21T00:00:00Z"), ...options },
      retainedUntil: ({ until }) => until ?? null,
    });
  };
  const outcomes: readonly (readonly [
    string,
    readonly ErasureState[],
    { last?: boolean; left?: number },
    object | undefined,
  ])[] = [
    ["all gone", [gone, gone], {}, { status: "done_verified" }],
    ["one still there", [gone, there], {}, undefined],
    [
      "one still there at the last look",
      [gone, there],
      { last: true },
      { status: "manual", reason: "not_confirmed" },
    ],
    ["under way", [pending], {}, undefined],
    ["under way at the last look", [pending], { last: true }, { status: "manual", reason: "not_confirmed" }],
    ["put off for days", [{ ...pending, retained: SOON }], {}, undefined],
    ["put off for years", [{ ...pending, retained: BOOKS }], {}, { status: "retained", reason: "put_off" }],
    ["refused", [gone, { state: "refused" }], {}, { status: "failed", reason: "refused_there" }],
    [
      "gone but for the books",
      [gone, { ...gone, retained: BOOKS }],
      {},
      { status: "retained", retained: BOOKS },
    ],
    ["nothing tells", [gone, { state: "unknown" }], {}, { status: "done" }],
    ["gone, and one that the API cannot erase", [gone], { left: 1 }, { status: "manual", reason: "no_api" }],
    [
      "the books, and one that the API cannot erase",
      [{ ...gone, retained: BOOKS }],
      { left: 1 },
      { status: "manual", retained: BOOKS },
    ],
  ];
  test.each(outcomes)("%s", async (_, states, options, outcome) => {
    const seen = await look(states, options);
    if (outcome === undefined) expect(seen).toBeUndefined();
    else expect(seen).toMatchObject(outcome);
  });
});
