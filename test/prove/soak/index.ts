import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { verifyAll } from "#audit";
import { type Did, HUB } from "#schemas";
import { startHubProcess } from "../../support/hub-process.ts";
import { freshRooms, type TestRooms } from "../../support/rooms.ts";
import type { Dose, Harness, Outcome } from "../harness.ts";
import { figuresOf, judge, type Step } from "./limits.ts";
import { processorTime, takeSample } from "./sample.ts";
import { sendFor, type Window } from "./senders.ts";
import { openTraffic } from "./traffic.ts";

const PRELOAD = fileURLToPath(new URL("./after-collection-preload.ts", import.meta.url));
const CONNECTORS = ["shopify", "stripe", "woocommerce", "mailchimp", "customerio"];
/** Milliseconds of a window: long enough for a p99, short enough that a run has many. */
const WINDOW = { least: 250, most: 30_000, share: 16 };
/** Requests of a burst beside those of the window that it follows. */
const BURST = 0.25;
/** Part of the dose in which the hub is compiled, fills its pools and is not judged. */
const WARM = 0.2;
/** Windows from which a slope can be told, and requests of each that say something: where the machine is slow, it takes longer. */
const ENOUGH = { windows: 7, warm: 100, requests: 40 };
/** Requests a second at least. */
const SLOWEST = 20;
/** Milliseconds in which what was acknowledged must be processed. */
const DRAINED = 60_000;
const VERIFIES = "const verdict = door.signature.verify(request, expected.secrets, now);\n  if";

/** A place that every delivery passes, with what is done there as well. */
const also = (code: string) => [
  { file: "src/kit/receive.ts", at: VERIFIES, instead: `${code}\n  ${VERIFIES}` },
];

export default {
  name: "soak",
  promise: "A hub that runs on and on gets no larger, no slower, and loses nothing.",
  brokenBuilds: [
    {
      what: "leaves a descriptor open with each request",
      by: /^open descriptors: /,
      changes: also('process.getBuiltinModule("node:fs").openSync("/dev/null");'),
      seconds: 5,
    },
    {
      what: "leaves a timer behind with each request",
      by: /^timers and handles: /,
      changes: also("setInterval(() => {}, 1e9);"),
      seconds: 5,
    },
    {
      what: "keeps every body",
      by: /^memory that is alive: /,
      changes: also(
        '(Reflect.get(globalThis, "kept") ?? (Reflect.set(globalThis, "kept", []), Reflect.get(globalThis, "kept"))).push(Buffer.from(request.body));',
      ),
      seconds: 30,
    },
    {
      what: "does more and more with each request",
      by: /^slower: /,
      changes: also(
        'Reflect.set(globalThis, "met", (Reflect.get(globalThis, "met") ?? 0) + 1); for (let i = 0, n = 0.1 * Reflect.get(globalThis, "met") ** 3; i < n; i++);',
      ),
      seconds: 30,
    },
    {
      what: "forgets to give every hundredth delivery to a workflow",
      by: /what was acknowledged is not processed/,
      changes: [
        {
          file: "src/intake/inbox.ts",
          at: "from stored order by id -- as they arrived",
          instead: "from stored where get_byte(uuid_send(id), 15) % 100 > 0 order by id",
        },
      ],
      seconds: 5,
    },
  ],
  tried: ["requests", "deliveries", "windows"],
  run: soak,
} satisfies Harness;

/** Mixed load at half of what the hub can do, in windows, each with a burst after it; then it is drained and looked at. */
async function soak(dose: Dose): Promise<Outcome> {
  const rooms = await freshRooms(await dose.server());
  const dataDir = mkdtempSync(join(tmpdir(), "lethe-soak-"));
  const heap = join(dataDir, "heap.json");
  const controller = await rooms.controller();
  const hub = await startHubProcess({
    ...{ DATABASE_URL: rooms.url, LETHE_MASTER_KEY: rooms.masterKey, LETHE_DATA_DIR: dataDir },
    ...{ NODE_OPTIONS: `--expose-gc --import=${PRELOAD}`, LETHE_PROVE_HEAP: heap },
  });
  try {
    const targets = [];
    for (const connector of CONNECTORS) {
      const { secret, url } = await rooms.connection(controller, connector);
      targets.push({ connector, secret, url: url.replace("http://test", hub.url) });
    }
    const traffic = openTraffic(hub.url, targets, dose.random);
    const windows: Window[] = [];
    const steps: Step[] = [];
    const broken: string[] = [];
    const began = performance.now();
    const milliseconds = Math.min(WINDOW.most, Math.max(WINDOW.least, dose.milliseconds / WINDOW.share));
    let capacity = 0;
    const elapsed = () => performance.now() - began;
    /** Sends, and waits until all of it is processed. */
    const send = async (extent: Parameters<typeof sendFor>[1]) => {
      const window = await sendFor(traffic, extent);
      windows.push(window);
      broken.push(...new Set(window.wrong));
      if (!(await isDrained(rooms)))
        broken.push(`what was acknowledged is not processed after ${DRAINED / 1_000} s`);
      return window;
    };
    // By its own clock: to start a hub takes longer than a short dose on a machine that is busy.
    while ((elapsed() < dose.milliseconds || steps.length < ENOUGH.windows) && broken.length === 0) {
      const warm = windows.length > 1 && elapsed() > dose.milliseconds * WARM;
      const started = performance.now();
      const window = await send({
        milliseconds,
        requests: warm ? ENOUGH.requests : ENOUGH.warm,
        perSecond: warm ? Math.max(SLOWEST, capacity / 2) : undefined,
      });
      capacity = warm ? capacity : (window.requests * 1_000) / (performance.now() - started);
      if (!warm || broken.length > 0) continue;
      // At a given pace, the faster the machine is, the fewer deliveries share a run, and the dearer is each of them: what
      // a neighbour leaves of it would show, and not the hub.
      const before = processorTime(hub.pid);
      const requests = Math.max(ENOUGH.requests, Math.ceil(window.requests * BURST));
      const burst = await send({ milliseconds: 0, requests, perSecond: undefined });
      const cost = (processorTime(hub.pid) - before) / burst.requests;
      const deliveries = windows.reduce((sum, { requests }) => sum + requests, 0);
      dose.progress(`${deliveries.toLocaleString("en")} requests`);
      const known = { deliveries, at: elapsed() };
      steps.push({ window, burst, cost, after: await takeSample(hub, heap, rooms.sql, known) });
      if (steps.length >= ENOUGH.windows && dose.foundOut(judge(steps))) break;
    }
    const sum = (of: (window: Window) => number) => windows.reduce((total, window) => total + of(window), 0);
    const accepted = sum((window) => window.accepted);
    broken.push(
      ...judge(steps),
      ...(await lost(
        rooms,
        accepted,
        sum((window) => window.failing),
      )),
    );
    broken.push(...(await logFaults(rooms)));
    return {
      figures: {
        requests: sum(({ requests }) => requests),
        deliveries: accepted,
        windows: steps.length,
        "requests a second, half of what it took": Math.round(Math.max(SLOWEST, capacity / 2)),
        ...figuresOf(steps),
      },
      broken,
    };
  } finally {
    await hub.stop();
    await rooms.drop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Nothing waits any more, and what was processed is shredded. */
async function isDrained({ sql }: TestRooms): Promise<boolean> {
  const deadline = performance.now() + DRAINED;
  while (performance.now() < deadline) {
    const [row] = await sql<{ waiting: boolean }[]>`
      select exists (select from delivery where status = 'received')
        or exists (select from delivery_payload join delivery on id = delivery_id and status <> 'failed')
        or exists (select from runtime_event where dispatched_at is null) as waiting`;
    if (row?.waiting === false) return true;
    await sleep(20);
  }
  return false;
}

/** Acknowledged deliveries against those that are there, and how they ended. */
async function lost({ sql }: TestRooms, accepted: number, failing: number): Promise<string[]> {
  const [row] = await sql<{ stored: number; failed: number }[]>`
    select count(*)::int as stored, count(*) filter (where status = 'failed')::int as failed from delivery`;
  const { stored = 0, failed = 0 } = row ?? {};
  return [
    ...(stored < accepted ? [`${accepted} deliveries were acknowledged, ${stored} are stored`] : []),
    ...(failed === failing ? [] : [`${failed} deliveries failed, of ${failing} that cannot be processed`]),
  ];
}

async function logFaults({ database, ring, sql }: TestRooms): Promise<string[]> {
  const owners = await sql<{ id: typeof HUB; did: Did }[]>`select controller_id as id, did from controller`;
  const hubDid = owners.find(({ id }) => id === HUB)?.did;
  if (hubDid === undefined) return ["the hub's own log is gone"];
  const logs = owners.filter(({ id }) => id !== HUB);
  const { faults } = await verifyAll({ database, ring, logs, hubDid, witnessed: undefined });
  return [...new Set(faults.map(({ code }) => `the audit log: ${code}`))];
}
