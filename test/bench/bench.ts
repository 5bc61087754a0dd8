import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import Table from "cli-table3";
import { attachEmbedded, type ConnectOptions, withSession } from "#database";
import { childEnvironment, startHubProcess } from "../support/hub-process.ts";
import { load, type Measured } from "./load.ts";
import { anotherDelivery, type SignedOrder, signedOrder } from "./orders.ts";

const HELP = `Measures the hub on this machine, beside what bounds it, in one run.

  npm run bench                        a table
  npm run bench -- --json              for programs
  npm run bench -- --seconds 3 --deliveries 5000   a quick look

  --seconds <n>      for each timed part (10)
  --deliveries <n>   in all, for the memory (50000)
  --backlog <n>      distinct orders that are sent at once and then processed (20000)
`;
const CONNECTIONS = 64;
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { values: options } = parseArgs({
  options: {
    help: { type: "boolean" },
    json: { type: "boolean" },
    seconds: { type: "string", default: "10" },
    deliveries: { type: "string", default: "50000" },
    backlog: { type: "string", default: "20000" },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit();
}
const seconds = Number(options.seconds);
const SECRET = "a-secret-for-the-benchmark";
const folder = mkdtempSync(join(tmpdir(), "lethe-bench-"));
const settings = { LETHE_DATA_DIR: folder, LOG_LEVEL: "info" };

say("starting a hub with its own PostgreSQL");
const hub = await startHubProcess(settings);
const embedded = await attachEmbedded(folder);
const server = embedded.connect("postgres");
try {
  const url = connection();
  const one = signedOrder(0, SECRET);
  const again = () => anotherDelivery(one);

  say("bare Hono echo");
  const echo = await withEcho(async (echoUrl) => {
    await load({ url: echoUrl, connections: CONNECTIONS, next: again, seconds: 1 });
    return load({ url: echoUrl, connections: CONNECTIONS, next: again, seconds });
  });
  say("single-row inserts on the same database");
  const inserts = await measureInserts(server);
  say("acknowledgements at full load");
  await load({ url, connections: CONNECTIONS, next: again, seconds: 1 });
  const full = await load({ url, connections: CONNECTIONS, next: again, seconds });
  await drained();
  const early = resident();
  say("acknowledgements at half load");
  const rate = Math.round(full.perSecond / 2);
  const half = await load({ url, connections: CONNECTIONS, next: again, seconds, rate });
  await drained();
  say("a backlog of distinct orders");
  const processing = await measureProcessing(url, Number(options.backlog));
  say("memory");
  const memory = [early, resident(), ...(await measureMemory(url, again, Number(options.deliveries)))];
  say(`${await delivered()} deliveries in all`);
  print({ echo, inserts, full, half, rate, processing, memory });
} finally {
  await hub.stop();
  await embedded.release();
  rmSync(folder, { recursive: true, force: true });
}

/** A connection made as an operator makes it. */
function connection(): string {
  const lethe = (...args: string[]) =>
    JSON.parse(
      execFileSync(process.execPath, [here("../../src/main.ts"), ...args, "--json"], {
        env: childEnvironment(settings),
        encoding: "utf8",
      }),
    );
  const { id } = lethe("controller", "add", "bench", "--environment", "sandbox");
  return lethe("connection", "add", "shopify", "--controller", id, "--secret", SECRET).url;
}

async function withEcho<T>(work: (url: string) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [here("echo.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await new Promise<string>((ready) =>
      child.stdout?.once("data", (chunk: Buffer) => ready(chunk.toString("utf8").trim())),
    );
    return await work(url);
  } finally {
    child.kill();
  }
}

async function measureInserts(where: ConnectOptions): Promise<{ pooled: number; whole: number }> {
  const given = JSON.stringify({ server: where, sessions: CONNECTIONS, seconds });
  const { stdout } = await promisify(execFile)(process.execPath, [here("inserts.ts"), given]);
  return JSON.parse(stdout);
}

function ask<T>(query: string): Promise<T> {
  return withSession(server, async (sql) => {
    const [row] = await sql.unsafe(query);
    return Object.values(row ?? {})[0] as T;
  });
}

function waiting(): Promise<number> {
  return ask("select count(*)::int from lethe.delivery where status = 'received'");
}

function delivered(): Promise<number> {
  return ask("select count(*)::int from lethe.delivery");
}

async function drained(): Promise<void> {
  while ((await waiting()) > 0) await sleep(100);
}

/** What is left to process when the last is acknowledged, by the time it takes; nothing new comes meanwhile. */
async function measureProcessing(url: string, count: number) {
  const orders = Array.from({ length: count }, (_, i) => signedOrder(i + 1, SECRET));
  const began = performance.now();
  const sent = await load({
    url,
    connections: CONNECTIONS,
    next: () => orders.pop() ?? again(),
    amount: count,
  });
  const acknowledged = performance.now();
  const backlog = await waiting();
  await drained();
  const finished = performance.now();
  return {
    backlog,
    perSecond: (backlog * 1_000) / (finished - acknowledged),
    overall: (sent.sent * 1_000) / (finished - began),
  };

  function again(): SignedOrder {
    return signedOrder(count + 1, SECRET);
  }
}

/** Sends more until there were so many deliveries, and looks at the memory twice on the way. */
async function measureMemory(url: string, next: () => SignedOrder, count: number): Promise<number[]> {
  const step = Math.max(5_000, Math.ceil((count - (await delivered())) / 2));
  const sizes: number[] = [];
  for (let i = 0; i < 2; i++) {
    await load({ url, connections: CONNECTIONS, next, amount: step });
    await drained();
    sizes.push(resident());
  }
  return sizes;
}

/** Of the hub's process, in MB. */
function resident(): number {
  const status = readFileSync(`/proc/${hub.pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
}

function print(result: {
  echo: Measured;
  inserts: { pooled: number; whole: number };
  full: Measured;
  half: Measured;
  rate: number;
  processing: Awaited<ReturnType<typeof measureProcessing>>;
  memory: number[];
}): void {
  const { echo, inserts, full, half, rate, processing, memory } = result;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ cpus: cpus().length, ...result }, null, 2)}\n`);
    return;
  }
  const round = (value: number) => Math.round(value).toLocaleString("en");
  const times = (value: number) => `${value.toFixed(2)} ×`;
  const table = new Table({ head: ["", "measured", "beside", "aim"], style: { head: [], border: [] } });
  table.push(
    ["bare Hono echo", `${round(echo.perSecond)}/s`, "", ""],
    ["single-row inserts, through one pool", `${round(inserts.pooled)}/s`, "", ""],
    ["single-row insert transactions", `${round(inserts.whole)}/s`, "", ""],
    [
      "durable acks",
      `${round(full.perSecond)}/s`,
      `${times(full.perSecond / echo.perSecond)} echo`,
      "0.25 ×",
    ],
    ["", "", `${times(full.perSecond / inserts.whole)} insert transactions`, "1.50 ×"],
    ["", "", `${times(full.perSecond / inserts.pooled)} inserts`, ""],
    ["  p50, p99 at full load", `${full.p50}, ${full.p99} ms`, "", ""],
    [`  p50, p99 at ${round(rate)}/s`, `${half.p50}, ${half.p99} ms`, "", "p99 60 ms"],
    [
      `processed, of a backlog of ${round(processing.backlog)}`,
      `${round(processing.perSecond)}/s`,
      `${times(processing.perSecond / full.perSecond)} acks`,
      "600/s",
    ],
    ["from the first ack to the last processed", `${round(processing.overall)}/s`, "", ""],
    ["resident memory, early to late", `${memory.join(", ")} MB`, "", "300 MB, flat"],
  );
  process.stdout.write(
    `${cpus().length} cores, ${CONNECTIONS} connections, Shopify orders of 2 KB, PostgreSQL on the same machine\n${table.toString()}\n`,
  );
}

function say(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${what} …\n`);
}
