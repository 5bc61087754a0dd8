import type { BrokenBuild } from "../harness.ts";

/** The quickest to be found out first. */
export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    what: "compares only the first bytes of a signature",
    by: /proof: .*was to be refused, answered 200/,
    seconds: 20,
    changes: [
      {
        file: "src/kit/signature/compare.ts",
        at: "candidate.length === expected.length && timingSafeEqual(candidate, expected)",
        instead: "timingSafeEqual(candidate.subarray(0, 8), expected.subarray(0, 8))",
      },
    ],
  },
  {
    what: "reads bodies before it verifies them, outside of the request",
    by: /the hub's process ended/,
    seconds: 20,
    changes: [
      {
        file: "src/http/body.ts",
        at: 'incoming.on("end", () => resolve(',
        instead:
          'incoming.on("end", () => JSON.stringify(JSON.parse(Buffer.concat(chunks).toString() || "{}"))).on("end", () => resolve(',
      },
    ],
  },
  {
    what: "takes a delivery that is there already for another",
    by: /is there already, and was accepted again/,
    seconds: 20,
    changes: [
      { file: "src/intake/door.ts", at: '"delivery", ...identity)', instead: '"delivery", ...identity, id)' },
    ],
  },
  {
    what: "counts an empty secret as one of each connection's",
    by: /key: the empty secret, .*was to be refused, answered 200/,
    seconds: 20,
    changes: [
      {
        file: "src/kit/signature/compare.ts",
        at: "const [index, secret] of secrets.entries()",
        instead: 'const [index, secret] of [...secrets, ""].entries()',
      },
      {
        file: "src/kit/signature/compare.ts",
        at: 'secret === "" ? undefined : fits(secret)',
        instead: "fits(secret)",
      },
      {
        file: "src/kit/signature/compare.ts",
        at: "used === undefined || used.length === 0",
        instead: "used === undefined",
      },
    ],
  },
  {
    what: "does not look at a signature's time",
    by: /time: .*was to be refused, answered 200/,
    seconds: 20,
    changes: [
      { file: "src/kit/signature/time.ts", at: 'return "timestamp_too_old";', instead: "return undefined;" },
      {
        file: "src/kit/signature/time.ts",
        at: '? "timestamp_in_future" : undefined',
        instead: "? undefined : undefined",
      },
    ],
  },
  {
    what: "has no limit for a body",
    by: /too large/,
    seconds: 20,
    changes: [
      {
        file: "src/http/body.ts",
        at: "if (size > limit) return drop",
        instead: "if (size > 1e9) return drop",
      },
      { file: "src/http/body.ts", at: "?? 0) > limit) drop", instead: "?? 0) > 1e9) drop" },
    ],
  },
  {
    what: "waits for slow requests as long as they like",
    by: /slow connections were not cut/,
    seconds: 20,
    changes: [
      { file: "src/http/server.ts", at: "requestTimeout: timeout,", instead: "requestTimeout: 0," },
      {
        file: "src/http/server.ts",
        at: "headersTimeout: Math.min(timeout, 5_000),",
        instead: "headersTimeout: 0,",
      },
    ],
  },
];
