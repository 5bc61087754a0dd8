import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { asTable, comparison, type Figure, read, results, save } from "./figures.ts";
import { endLoad } from "./load.ts";
import type { Bench, Extent } from "./part.ts";
import { PARTS } from "./parts.ts";
import { type RunningHub, startHub } from "./running-hub.ts";

const HELP = `Measures the hub on this machine, beside what bounds it, in one run.

  npm run bench                                  everything, as a table
  npm run bench -- --only acks,processing        some of it
  npm run bench -- --only acks --seconds 3 --rounds 5
  npm run bench -- --save before.json            keeps the figures …
  npm run bench -- --compare before.json         … and shows then, now, and how much better
  npm run bench -- --quick                       that everything works; its figures say little
  npm run bench -- --json                        for programs

Parts:
${PARTS.map(({ name, about }) => `  ${name.padEnd(17)}${about}`).join("\n")}

  --seconds <n>      of each timed round (5)
  --rounds <n>       of which the median counts (3)
  --connections <n>  of the load generator (64)
  --backlog <n>      distinct orders that are sent at once and then processed (10000)
  --deliveries <n>   over which memory is watched (50000)
  --stored <n>       deliveries that a large hub has stored (1000000)
  --events <n>       audit events that are sealed and verified (100000)

A figure is the median of its rounds. Processor time is the whole process's, in microseconds a delivery.
`;
const FULL: Extent = {
  ...{ seconds: 5, rounds: 3, connections: 64, backlog: 10_000 },
  ...{ deliveries: 50_000, stored: 1_000_000, events: 100_000 },
};
const QUICK: Extent = {
  ...{ seconds: 0.2, rounds: 1, connections: 8, backlog: 100 },
  ...{ deliveries: 100, stored: 1_000, events: 300 },
};

const { values: given } = parseArgs({
  options: {
    help: { type: "boolean" },
    json: { type: "boolean" },
    quick: { type: "boolean" },
    only: { type: "string" },
    save: { type: "string" },
    compare: { type: "string" },
    ...{
      seconds: { type: "string" },
      rounds: { type: "string" },
      connections: { type: "string" },
      backlog: { type: "string" },
    },
    ...{ deliveries: { type: "string" }, stored: { type: "string" }, events: { type: "string" } },
  },
});
const only = given.only?.split(",");
const unknown = only?.find((name) => !PARTS.some((part) => part.name === name));
if (given.help === true || unknown !== undefined) {
  const out = given.help === true ? process.stdout : process.stderr;
  out.write(unknown === undefined ? HELP : `there is no part ${unknown}\n\n${HELP}`);
  process.exit(given.help === true ? 0 : 2);
}
const then = given.compare === undefined ? undefined : read(given.compare);
const extent = extentOf(given.quick === true ? QUICK : FULL);
const figures: Figure[] = [];
let running: RunningHub | undefined;
try {
  for (const part of PARTS) {
    if (only !== undefined && !only.includes(part.name)) continue;
    const measured = await part.run(benchOf(part.name));
    figures.push(...measured.map((one) => ({ ...one, part: part.name })));
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K`);
    if (given.json !== true) process.stdout.write(`${part.about}\n${asTable(measured)}\n`);
    if (given.quick !== true) await stopHub();
  }
} finally {
  endLoad();
  await stopHub();
}
const now = results(figures, { ...extent });
if (given.save !== undefined) save(given.save, now);
if (given.json === true) process.stdout.write(`${JSON.stringify(now, null, 2)}\n`);
else process.stdout.write(`${cpus().length} × ${now.cpu}, hub, PostgreSQL and load generator on it\n`);
if (then !== undefined && given.json !== true) process.stdout.write(comparison(then, now));

function benchOf(name: string): Bench {
  const say = (what: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${name}: ${what} …`);
  };
  return {
    ...extent,
    say,
    hub: async () => {
      say("starting a hub");
      running ??= await startHub();
      return running;
    },
    repeat: async (what, round) => {
      const done = [];
      for (let number = 0; number < extent.rounds; number++) {
        say(`${what}, round ${number + 1} of ${extent.rounds}`);
        done.push(await round(number));
      }
      return done;
    },
  };
}

async function stopHub(): Promise<void> {
  const stopping = running;
  running = undefined;
  await stopping?.stop();
}

function extentOf(least: Extent): Extent {
  const names = Object.keys(least) as (keyof Extent)[];
  const values = names.map((name) => [name, Number(given[name] ?? least[name])] as const);
  for (const [name, value] of values)
    if (!(value > 0)) {
      process.stderr.write(`--${name} must be a number above 0\n`);
      process.exit(2);
    }
  return Object.fromEntries(values) as Record<keyof Extent, number>;
}
