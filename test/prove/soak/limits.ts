import type { Sample } from "./sample.ts";
import type { Window } from "./senders.ts";
import { type Slope, slopeOf } from "./slope.ts";

/** One stretch of load, and what the hub held when it was done with it. */
export interface Step {
  /** At a given pace, for the latency. */
  readonly window: Window;
  /** As fast as it answers, for the cost. */
  readonly burst: Window;
  readonly after: Sample;
  /** Milliseconds of the hub's processor time that the burst and its processing took, for each request. */
  readonly cost: number;
}

/** What grows with each request, beyond doubt, and would end a hub that is never restarted. */
interface Limit {
  readonly what: string;
  readonly of: (step: Step) => number;
  /** For each request. */
  readonly most: number;
  /** In all: what a process takes while it warms up, or what a machine that is busy looks like. */
  readonly slack: number;
  readonly show: (perRequest: number) => string;
}

/**
 * A limit is broken when the slope's whole 95 % interval is above `most`, and the growth that is sure over the run above
 * `slack`: a long soak finds a small leak, and a short one a large leak only.
 */
const LIMITS: readonly Limit[] = [
  {
    // 64 bytes a request are 64 MB after a million of them: less than a hub could have after a week without a leak.
    what: "memory that is alive",
    of: ({ after }) => after.live,
    most: 64,
    slack: 3e6,
    show: (bytes) => `${fixed(bytes / 1_000)} KB`,
  },
  {
    // From 10 MB after 4,000 requests to 12.6 after 120,000, most of it in the first 40,000: each function once a tier.
    what: "compiled code",
    of: ({ after }) => after.compiled,
    most: 64,
    slack: 6e6,
    show: (bytes) => `${fixed(bytes / 1_000)} KB`,
  },
  {
    // Node.js has a thousand or so by default (`ulimit -n`); its own pool of connections comes and goes.
    what: "open descriptors",
    of: ({ after }) => after.descriptors,
    most: 0.002,
    slack: 16,
    show: fixed,
  },
  {
    what: "timers and handles",
    of: ({ after }) => after.resources,
    most: 0.002,
    slack: 16,
    show: fixed,
  },
];

/** Processor time of a request at the end of the run beside that at its beginning: tables grow, and trees get deeper, by far less. */
const SLOWER = 0.5;
/** Bytes resident at any time: a machine with 1 GB runs PostgreSQL as well. */
const RESIDENT = 512e6;
/** Sessions: the hub's pools together are to stay under half of PostgreSQL's default of 100. */
const SESSIONS = 50;
/** Bytes of tables and indexes for each accepted delivery: 15 rows of 200 to 600 bytes, each in one to three indexes. */
const STORED = 32_768;

/** What broke. */
export function judge(steps: readonly Step[]): string[] {
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined) return ["no window was measured"];
  const span = last.after.deliveries - first.after.deliveries;
  const accepted = acceptedIn(steps.slice(1));
  const slower = slope(steps, ({ cost }) => cost);
  const early = Math.min(...steps.slice(0, 3).map(({ cost }) => cost));
  const resident = Math.max(...steps.map(({ after }) => after.resident));
  const sessions = Math.max(...steps.map(({ after }) => after.sessions));
  const stored = (last.after.tables - first.after.tables) / accepted;
  return [
    ...LIMITS.flatMap(({ what, of, most, slack, show }) => {
      const { low } = slope(steps, of);
      return low > most && low * span > slack
        ? [`${what}: at least ${show(low * 1_000)} more with each thousand requests`]
        : [];
    }),
    ...(slower.low * span > SLOWER * early
      ? [
          `slower: from ${fixed(early)} ms of processor time for a request, ${fixed(slower.low * span)} more at the end`,
        ]
      : []),
    ...(resident > RESIDENT ? [`memory: ${fixed(resident / 1e6)} MB are resident`] : []),
    ...(sessions > SESSIONS ? [`sessions: ${sessions} in PostgreSQL`] : []),
    ...(accepted > 500 && stored > STORED ? [`tables: ${fixed(stored / 1_000)} KB for each delivery`] : []),
  ];
}

/** For whoever reads: each slope with its confidence. */
export function figuresOf(steps: readonly Step[]): Record<string, number | string> {
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined) return {};
  const accepted = acceptedIn(steps.slice(1));
  const perThousand = (what: (step: Step) => number, unit: number, name: string) =>
    shown(slope(steps, what), 1_000 / unit, `${name} per 1,000 requests`);
  const perHour = (what: (step: Step) => number, unit: number, name: string) =>
    shown(
      slopeOf(steps.map((step) => [step.after.at / 3_600_000, what(step)])),
      1 / unit,
      `${name} per hour`,
    );
  return {
    "memory alive after collection": perThousand(({ after }) => after.live, 1e3, "KB"),
    "memory alive, by the clock": perHour(({ after }) => after.live, 1e6, "MB"),
    "compiled code": perThousand(({ after }) => after.compiled, 1e3, "KB"),
    "compiled code at the end": `${fixed(last.after.compiled / 1e6)} MB`,
    "resident, by the clock": perHour(({ after }) => after.resident, 1e6, "MB"),
    "resident at the end": `${fixed(last.after.resident / 1e6)} MB`,
    "open descriptors": perThousand(({ after }) => after.descriptors, 1, "descriptors"),
    "timers and handles": perThousand(({ after }) => after.resources, 1, "handles"),
    "processor time of a request": perThousand(({ cost }) => cost, 1, "ms"),
    "processor time of a request at the end": `${fixed(last.cost)} ms`,
    "ack p50": perThousand(({ window }) => window.p50, 1, "ms"),
    "ack p99": perThousand(({ window }) => window.p99, 1, "ms"),
    "ack p50, p99 in the last window": `${fixed(last.window.p50)}, ${fixed(last.window.p99)} ms`,
    "sessions in PostgreSQL at most": Math.max(...steps.map(({ after }) => after.sessions)),
    "tables and indexes": `${fixed((last.after.tables - first.after.tables) / accepted / 1_000)} KB a delivery`,
    "dead rows at the end": last.after.dead,
    "write-ahead log": `${fixed((last.after.log - first.after.log) / accepted / 1_000)} KB a delivery, of all databases of the server`,
  };
}

function acceptedIn(steps: readonly Step[]): number {
  return steps.reduce((sum, { window, burst }) => sum + window.accepted + burst.accepted, 0);
}

function slope(steps: readonly Step[], of: (step: Step) => number): Slope {
  return slopeOf(steps.map((step) => [step.after.deliveries, of(step)]));
}

function shown({ slope, low, high }: Slope, scale: number, unit: string): string {
  return `${fixed(slope * scale)} (${fixed(low * scale)} to ${fixed(high * scale)}) ${unit}`;
}

function fixed(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}
