import { setTimeout as sleep } from "node:timers/promises";
import type { Load } from "../../support/load.ts";
import type { Site } from "./site.ts";

/** What of PostgreSQL is killed, in turn. */
export const DATABASE_KILLS = ["PostgreSQL's postmaster", "a session of PostgreSQL"] as const;
export type DatabaseKill = (typeof DATABASE_KILLS)[number];

/** Milliseconds in which a hub must acknowledge again. It starts PostgreSQL by itself, which replays its WAL. */
const BACK_WITHIN = 60_000;
/** Milliseconds between looks. */
const LOOK = 20;

/**
 * Kills PostgreSQL under a hub that works, which has to go on by itself. Returns how many milliseconds later it
 * acknowledged again; undefined if it did not.
 */
export async function killDatabase(
  site: Site,
  load: Load,
  senders: number,
  what: DatabaseKill,
): Promise<number | undefined> {
  const before = await sessions(site);
  const victim = what === "PostgreSQL's postmaster" ? site.postmaster() : before?.[0];
  if (victim === undefined) throw new Error("the hub has no session");
  process.kill(victim, "SIGKILL");
  const began = performance.now();
  const inTime = () => performance.now() - began < BACK_WITHIN;
  // Those of before may acknowledge a last thing while they go.
  const others = async () => (await sessions(site))?.every((one) => before?.includes(one) !== true) === true;
  while (!(await others()) && inTime()) await sleep(LOOK);
  const gone = load.acknowledged();
  while (load.acknowledged() <= gone + senders && inTime()) await sleep(LOOK);
  return inTime() ? performance.now() - began : undefined;
}

/**
 * The server's processes that work for the hub, in no order; undefined while PostgreSQL is away. If one of them is killed, all
 * go: PostgreSQL then trusts its shared memory no more.
 */
async function sessions(site: Site): Promise<number[] | undefined> {
  const rows = await site
    .ask<{ pid: number }>(
      "select pid from pg_stat_activity where application_name like 'lethe-%' order by random()",
    )
    .catch(() => undefined);
  return rows?.map(({ pid }) => pid);
}
