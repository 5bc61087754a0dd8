import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { attachEmbedded } from "#database";
import { makeTemplate } from "../support/cluster.ts";
import { changedBuild } from "./changed-build.ts";
import {
  type BrokenBuild,
  type Dose,
  type Harness,
  isAmong,
  type Outcome,
  randomBy,
  untried,
} from "./harness.ts";
import { HARNESSES } from "./harnesses.ts";
import { readWanted, type Wanted } from "./wanted.ts";

const HELP = `Tries to break one of the hub's promises.

  npm run prove -- crash                        a short dose
  npm run prove -- crash --for 30m --seed 7     as long as you like
  npm run prove -- crash --json                 for programs

  --for <time>       90s, 30m, 2h (20s)
  --seed <n>         the same seed, the same attempts (1)
  --broken <n>       how many of its deliberately broken builds it must find out first (all)
  --until-broken <p> ends, where it can, once something is broken that matches the pattern

Harnesses: ${Object.keys(HARNESSES).join(", ")}
Exits 0 if the promise held, 1 if it was broken, 2 on wrong usage, 3 if a broken build was not found out.
`;

const wanted = readWanted(process.argv.slice(2));
if (typeof wanted === "string") refuse(wanted);
if (wanted.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const load = HARNESSES[wanted.name];
if (load === undefined)
  refuse(wanted.name === "" ? "name what is to be tried" : `there is no harness ${wanted.name}`);
const { name, milliseconds, seed } = wanted;
const harness = await load();
const builds = harness.brokenBuilds.slice(0, wanted.broken);
const missed = builds.filter((build) => !isFoundOut(build));
if (missed.length > 0) {
  process.stderr.write(
    `${name} proves nothing: it did not find out a build that ${missed.map(({ what }) => what).join(", nor one that ")}\n`,
  );
  process.exit(3);
}
process.exit(await prove(harness, wanted));

function refuse(why: string): never {
  process.stderr.write(`${why}\n\n${HELP}`);
  process.exit(2);
}

async function prove(harness: Harness, wanted: Wanted): Promise<number> {
  const cleanUps: (() => Promise<void>)[] = [];
  const began = performance.now();
  let server: Promise<string> | undefined;
  const dose: Dose = {
    milliseconds,
    seed,
    random: randomBy(seed),
    over: () => performance.now() - began > milliseconds,
    foundOut: (broken) => wanted.until !== undefined && isAmong(wanted.until, broken),
    server: () => (server ??= startServer(cleanUps)),
    progress,
  };
  try {
    const { figures, broken: found } = await harness.run(dose);
    // Who found something may not have got any further.
    const broken = found.length > 0 ? found : untried(harness, figures);
    progress("");
    const seconds = Math.round((performance.now() - began) / 1_000);
    if (wanted.json === true)
      process.stdout.write(
        `${JSON.stringify({ name, seed, seconds, cpus: cpus().length, foundOut: builds.length, figures, broken })}\n`,
      );
    else {
      const table = new Table({ head: [name, ""], style: { head: [], border: [] } });
      for (const [what, figure] of Object.entries(figures))
        table.push([what, typeof figure === "number" ? figure.toLocaleString("en") : figure]);
      table.push(
        ["broken builds found out", String(builds.length)],
        ["seconds", String(seconds)],
        ["seed", String(seed)],
      );
      process.stdout.write(
        `${harness.promise}\n${table.toString()}\n${broken.map((one) => `BROKEN: ${one}\n`).join("")}`,
      );
    }
    return broken.length === 0 ? 0 : 1;
  } finally {
    for (const cleanUp of cleanUps) await cleanUp();
  }
}

/** The same harness, in a process of its own that runs the broken build, must end with what is wrong with that. */
function isFoundOut({ what, changes, by, seconds }: BrokenBuild): boolean {
  progress(`a build that ${what}`);
  const run = spawnSync(
    process.execPath,
    [
      fileURLToPath(import.meta.url),
      name,
      "--json",
      "--broken",
      "0",
      "--for",
      `${seconds}s`,
      "--seed",
      String(seed),
      "--until-broken",
      by.source,
    ],
    { env: { ...process.env, ...changedBuild(changes) }, encoding: "utf8" },
  );
  const { broken = [] } = JSON.parse((run.status === 1 && run.stdout) || "{}") as Partial<Outcome>;
  if (isAmong(by, broken)) return true;
  process.stderr.write(
    `a build that ${what}: ${run.stderr.trim() || run.stdout.trim() || `exit ${run.status}`}\n`,
  );
  return false;
}

async function startServer(cleanUps: (() => Promise<void>)[]): Promise<string> {
  const given = process.env.LETHE_PROVE_SERVER;
  if (given !== undefined) return given;
  const folder = mkdtempSync(join(tmpdir(), "lethe-prove-"));
  chmodSync(folder, 0o711); // PostgreSQL runs as another user if this runs as root
  const own = await attachEmbedded(folder);
  cleanUps.push(async () => {
    await own.release();
    rmSync(folder, { recursive: true, force: true });
  });
  const url = `postgres:///postgres?host=${folder}/postgres&user=postgres`;
  await makeTemplate(url);
  return url;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}
