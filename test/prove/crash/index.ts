import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findPolicyFaults, knownMigrations, openDatabase, serverOf, withSession } from "#database";
import type { HubProcess } from "../../support/hub-process.ts";
import { type Load, startLoad } from "../../support/load.ts";
import { changedBuild } from "../changed-build.ts";
import type { Dose, Harness } from "../harness.ts";
import { BOUNDARIES, type Boundary, MIGRATING } from "./boundaries.ts";
import { BROKEN_BUILDS } from "./broken-builds.ts";
import { DATABASE_KILLS, killDatabase } from "./kill-database.ts";
import { reconcile } from "./reconcile.ts";
import { openSite, type Shop, type Site } from "./site.ts";
import { count, emptyTally, killsOf, outcomeOf, type Tally } from "./tally.ts";

/**
 * A hub is killed again and again under load: at random, at each boundary of a delivery's way, while it migrates, and its
 * PostgreSQL under it. After every few kills it is left alone, and all that was acknowledged must be there, once.
 */
export default {
  name: "crash",
  promise: "Durable: kill what you like when you like, every acknowledged delivery has its effects, once.",
  brokenBuilds: BROKEN_BUILDS,
  tried: [
    ...BOUNDARIES.slice(0, 1).map(({ name }) => `killed ${name}`),
    "killed at random",
    ...DATABASE_KILLS.map((what) => `killed ${what}`),
    `killed ${MIGRATING[0].name}`,
    "acknowledged",
  ],
  run: async (dose) => {
    const tally = emptyTally();
    const turns = turnsOf(dose);
    while (goesOn(dose, tally)) await atOneSite(dose, tally, turns);
    return outcomeOf(tally);
  },
} satisfies Harness;

const SENDERS = 8;
/** Boundaries between two reconciliations: few at first, so that a broken build is soon found out, and a short dose is short. */
const PER_ROUND = [1, 2, 5];
/** Rounds that are made however short the time is. */
const AT_LEAST = 2;
/** Rounds on a data directory; then a new one, so that none grows without bound. */
const ROUNDS = 6;
/** Milliseconds in which a hub must come by the boundary at which it is to die. */
const REACHED_WITHIN = 20_000;
/** Milliseconds of load before a kill at a random moment. */
const RANDOM = [20, 600] as const;

const goesOn = (dose: Dose, { reconciled, broken }: Tally) =>
  broken.length === 0 && (!dose.over() || reconciled.length < AT_LEAST);

async function atOneSite(dose: Dose, tally: Tally, turns: Iterator<Boundary, Boundary>): Promise<void> {
  const site = await openSite();
  let hub: HubProcess | undefined;
  try {
    for (let round = 0; round < ROUNDS && goesOn(dose, tally); round++) {
      const size = PER_ROUND[Math.min(tally.reconciled.length, PER_ROUND.length - 1)] ?? 1;
      const boundaries = Array.from({ length: size }, () => turns.next().value);
      hub = await oneRound(site, hub, boundaries, dose, tally);
    }
    if (tally.broken.length > 0) return;
    await dieMigrating(site, dose, tally);
    if ((await hub?.stop()) !== 0) tally.broken.push(`${here(dose, tally)}: the hub did not stop cleanly`);
  } finally {
    await hub?.kill();
    await site.close();
  }
}

/** Kills the hub that runs, then one at each boundary, then PostgreSQL; reconciles what is left. Returns the last hub. */
async function oneRound(
  site: Site,
  before: HubProcess | undefined,
  boundaries: readonly Boundary[],
  dose: Dose,
  tally: Tally,
): Promise<HubProcess> {
  let hub = before;
  const shop = await site.shop();
  const load = startLoad({
    url: () => `${hub?.url ?? NOBODY}${shop.path}`,
    secret: shop.secret,
    senders: SENDERS,
  });
  const start: Site["start"] = async (build) => {
    const started = await site.start(build);
    if (started !== undefined) hub = started;
    return started;
  };
  try {
    if (before !== undefined) {
      await sleep(within(RANDOM, dose));
      await before.kill();
      count(tally, "at random");
    }
    for (const boundary of boundaries)
      if (tally.broken.length === 0) await dieAt(boundary, start, dose, tally);
    const last = await begin(start, tally);
    if (tally.broken.length === 0) await databaseDies(site, load, dose, tally);
    await load.stop();
    if (tally.broken.length === 0) await account(site, shop, load, dose, tally);
    return last;
  } catch (error) {
    await hub?.kill();
    throw error;
  } finally {
    await load.stop();
  }
}

/** A port at which nobody listens: 9 is for "discard" (RFC 863). */
const NOBODY = "http://127.0.0.1:9";

/** Starts a hub that is left alone. */
async function begin(start: Site["start"], tally: Tally): Promise<HubProcess> {
  const began = performance.now();
  const hub = await start();
  if (hub === undefined) throw new Error("a hub that nobody killed was killed");
  tally.starts.push(performance.now() - began);
  return hub;
}

/** Starts a hub that kills itself at the boundary, and waits until it has. */
async function dieAt(boundary: Boundary, start: Site["start"], dose: Dose, tally: Tally): Promise<void> {
  const passage = within(boundary.passages, dose);
  dose.progress(`${here(dose, tally)}: ${boundary.name}, ${passage}`);
  const hub = await start(changedBuild(boundary.changes(passage)));
  // By a signal there is no exit code. A hub that ends by itself was killed by nobody.
  const code = hub === undefined ? null : await Promise.race([hub.exited, sleep(REACHED_WITHIN, "late")]);
  if (code === null) return count(tally, boundary.name);
  tally.broken.push(
    `${here(dose, tally)}: the hub ${code === "late" ? "never came by" : `ended by itself with ${code} and not at`} "${boundary.name}" (${passage})`,
  );
  await hub?.kill();
}

/** A hub dies while it migrates an empty database; whoever comes next must make it whole. */
async function dieMigrating(site: Site, dose: Dose, tally: Tally): Promise<void> {
  const name = "migrating";
  await site.ask(`create database ${name}`);
  const settings = { DATABASE_URL: site.url(name), LETHE_DATA_DIR: join(site.folder, name) };
  const boundary = MIGRATING[tally.kills.has(MIGRATING[0].name) && dose.random() < 0.5 ? 1 : 0];
  await dieAt(boundary, (build) => site.start({ ...settings, ...build }), dose, tally);
  const { migrated, close } = await openDatabase({ url: site.url(name), dataDir: settings.LETHE_DATA_DIR });
  await close();
  const faults = await withSession(serverOf(site.url(name)), findPolicyFaults);
  const left = boundary === MIGRATING[0] ? knownMigrations() : 0;
  if (migrated !== left || faults.length > 0)
    tally.broken.push(
      `${here(dose, tally)}: ${migrated} migrations were left instead of ${left}, with ${faults.length} faults in policies`,
    );
  await site.ask(`drop database ${name} with (force)`);
}

async function databaseDies(site: Site, load: Load, dose: Dose, tally: Tally): Promise<void> {
  const what = DATABASE_KILLS[tally.outages.length % DATABASE_KILLS.length] ?? DATABASE_KILLS[0];
  dose.progress(`${here(dose, tally)}: ${what}`);
  const back = await killDatabase(site, load, SENDERS, what);
  count(tally, what);
  if (back === undefined)
    tally.broken.push(`${here(dose, tally)}: the hub acknowledged nothing more after the kill of ${what}`);
  else tally.outages.push(back);
}

async function account(site: Site, shop: Shop, load: Load, dose: Dose, tally: Tally): Promise<void> {
  dose.progress(`${here(dose, tally)}: reconciling`);
  const found = await reconcile(site, shop, load);
  tally.reconciled.push(found);
  tally.broken.push(...found.faults.map((fault) => `${here(dose, tally)}: ${fault}`));
}

/** Where in a run something was found. */
const here = ({ seed }: Dose, tally: Tally) => `seed ${seed}, after ${killsOf(tally)} kills`;

const within = ([from, to]: readonly [number, number], { random }: Dose) =>
  from + Math.floor(random() * (to - from + 1));

/** The one that finds out the most; then all the others, and then all again and again, each time shuffled by the seed. */
function* turnsOf({ random }: Dose): Generator<Boundary, Boundary> {
  yield* BOUNDARIES.slice(0, 1);
  for (let from = 1; ; from = 0)
    yield* BOUNDARIES.slice(from)
      .map((boundary) => ({ boundary, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ boundary }) => boundary);
}
