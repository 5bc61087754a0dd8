import { describe, expect, test } from "vitest";
import { judge, type Step } from "./limits.ts";

const HELD = {
  ...{ live: 50e6, compiled: 12e6, resident: 250e6, descriptors: 40, resources: 45 },
  ...{ sessions: 12, tables: 0, dead: 0, log: 0, processor: 0 },
};

const SENT = { requests: 1_000, accepted: 850, failing: 0, p50: 5, p99: 20, wrong: [] };

/** Ten steps of two thousand requests; what is different in each, by how many there were before. */
const run = (differs: (requests: number) => { cost?: number; held?: object }) =>
  Array.from({ length: 10 }, (_, place): Step => {
    const deliveries = (place + 1) * 2_000;
    const { cost = 2, held = {} } = differs(deliveries);
    const after = { ...HELD, ...held, deliveries, at: place * 30_000 };
    return { window: SENT, burst: SENT, after, cost };
  });

describe("of a run", () => {
  test("in which all stays as it is, nothing is broken", () => {
    expect(judge(run(() => ({})))).toEqual([]);
  });

  test("a hub that gets half as dear again is found", () => {
    expect(judge(run((requests) => ({ cost: 2 * (1 + requests / 30_000) })))).toEqual([
      expect.stringMatching(/^slower: /),
    ]);
  });

  test("what the heap keeps is found, and is told from code that is compiled once", () => {
    const kept = (requests: number) => ({ held: { live: 50e6 + 500 * requests } });
    expect(judge(run(kept))).toEqual([expect.stringMatching(/^memory that is alive: /)]);
    expect(judge(run((requests) => ({ held: { compiled: 12e6 + 100 * requests } })))).toEqual([]);
    expect(judge(run((requests) => ({ held: { compiled: 12e6 + 2_000 * requests } })))).toEqual([
      expect.stringMatching(/^compiled code: /),
    ]);
  });
});
