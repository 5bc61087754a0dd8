import { setTimeout as sleep } from "node:timers/promises";
import { verifyAll } from "#audit";
import { readWitness } from "#hub";
import { HUB } from "#schemas";
import type { Load } from "../../support/load.ts";
import type { Shop, Site } from "./site.ts";

/** What became of what a round of kills went through. */
export interface Reconciled {
  readonly acknowledged: number;
  /** Acknowledged, and not in the inbox. */
  readonly lost: number;
  /** Effects and events that are there more than once. */
  readonly doubled: number;
  /** Deliveries that are not over, miss something, or that nobody sent; payloads, work and events that are left. */
  readonly unaccounted: number;
  /** What of it, with the ids of the first ones. */
  readonly faults: readonly string[];
}

/** Milliseconds in which everything must be processed and sealed once hubs are no longer killed. */
const DRAINED_WITHIN = 30_000;
/** Milliseconds between looks. */
const LOOK = 50;
/** How many of the acknowledged deliveries are sent once more. */
const AGAIN = 20;
/** How many ids stand for all in a message. */
const SHOWN = 3;

/** The events that a delivery of the load leaves, each exactly once. */
const EVENTS = ["subject.created", "activity.recorded", "delivery.processed", "delivery.shredded"];

interface Row {
  readonly id: string;
  readonly dedupe: string;
  readonly status: string;
  readonly sealed: boolean;
  readonly activities: number;
  /** How often the log has each type of event in the delivery's workflow. */
  readonly events: Readonly<Record<string, number>> | null;
}

/** Waits until the hub that runs has done everything, and compares what was acknowledged with what is there. */
export async function reconcile(site: Site, shop: Shop, load: Load): Promise<Reconciled> {
  const left = await drained(site, shop);
  const rows = await site.ask<Row>(ROWS, shop.controllerId);
  const [counted] = await site.ask<{ subjects: number }>(
    "select count(*)::int as subjects from subject where controller_id = $1",
    shop.controllerId,
  );
  const { sent, acknowledged } = load.ids();
  const stored = new Set(rows.map(({ dedupe }) => dedupe));
  const known = new Set(sent.map(shop.dedupe));

  const lost = acknowledged.filter((id) => !stored.has(shop.dedupe(id)));
  const doubled = rows.filter(
    ({ activities, events }) => activities > 1 || Object.values(events ?? {}).some((count) => count > 1),
  );
  const unsent = rows.filter(({ dedupe }) => !known.has(dedupe));
  const unfinished = rows.filter(
    ({ status, activities, events }) =>
      status !== "processed" || activities === 0 || !EVENTS.every((type) => (events?.[type] ?? 0) > 0),
  );
  const unforgotten = rows.filter(({ status, sealed }) => status === "processed" && sealed);
  const surprising = rows.filter(({ events }) =>
    Object.keys(events ?? {}).some((type) => !EVENTS.includes(type)),
  );
  const subjects = (counted?.subjects ?? 0) - rows.length;
  const again: Record<string, number> = await load.sendAgain(AGAIN).catch(() => ({}));
  const repeated = acknowledged.slice(0, AGAIN).length - (again.duplicate ?? 0);
  const faultsOfLog = await faultsInLog(site, shop);

  const ids = (of: readonly Row[]) => of.map(({ id }) => id);
  return {
    acknowledged: acknowledged.length,
    lost: lost.length,
    doubled: doubled.length + Math.max(0, subjects) + repeated,
    unaccounted:
      [unsent, unfinished, unforgotten, surprising].reduce((sum, { length }) => sum + length, left) +
      Math.max(0, -subjects) +
      faultsOfLog.length,
    faults: [
      told(lost, "acknowledged, and not in the inbox"),
      told(ids(doubled), "with effects or events more than once"),
      told(ids(unsent), "in the inbox, and never sent"),
      told(ids(unfinished), "not processed, or without its records or events"),
      told(ids(unforgotten), "processed, and the payload still there"),
      told(ids(surprising), "with events that it should not have"),
      subjects === 0 ? [] : [`${rows.length + subjects} subjects of ${rows.length} deliveries`],
      repeated === 0 ? [] : [`${repeated} acknowledged deliveries, sent again, are no duplicates`],
      left === 0 ? [] : [`${left} events, queue items and runs not done after ${DRAINED_WITHIN / 1_000} s`],
      faultsOfLog.map((code) => `the audit log: ${code}`),
    ].flat(),
  };
}

const told = (ids: readonly string[], what: string) =>
  ids.length === 0 ? [] : [`${ids.length} deliveries ${what}: ${ids.slice(0, SHOWN).join(", ")}`];

/** How much is left of outbox, queue, runs and unsealed events when nothing more happens to it, or when it took too long. */
async function drained(site: Site, shop: Shop): Promise<number> {
  const deadline = Date.now() + DRAINED_WITHIN;
  for (;;) {
    const [row] = await site.ask<{ left: number }>(LEFT, shop.controllerId);
    const left = row?.left ?? 0;
    if (left === 0 || Date.now() > deadline) return left;
    await sleep(LOOK);
  }
}

async function faultsInLog(site: Site, { controllerId }: Shop): Promise<string[]> {
  const { database, ring, folder } = site;
  const witnessed = await readWitness(folder);
  const [did, hubDid] = await Promise.all([site.didOf(controllerId), site.didOf(HUB)]);
  const logs = [{ id: controllerId, did }];
  const { faults, logs: reports } = await verifyAll({ database, ring, logs, hubDid, witnessed });
  const pending = (reports[0]?.pending ?? 1) > 0 ? ["events that are not sealed"] : [];
  return [...new Set(faults.map(({ code }) => code)), ...pending];
}

const LEFT = `select ((select count(*) from runtime_event where controller_id = $1 and dispatched_at is null)
  + (select count(*) from runtime_queue where controller_id = $1)
  + (select count(*) from runtime_run where controller_id = $1 and status = 'running')
  + (select count(*) from audit_event where controller_id = $1) - (select count(*) from audit_leaf where controller_id = $1))::int as left`;

const ROWS = `select d.id, encode(d.dedupe, 'hex') as dedupe, d.status, p.delivery_id is not null as sealed, coalesce(a.count, 0) as activities, e.events
  from delivery d left join delivery_payload p on p.controller_id = d.controller_id and p.delivery_id = d.id
  left join (
    select delivery_id, count(*)::int as count from processing_activity where controller_id = $1 group by 1) a on a.delivery_id = d.id
  left join (
    select workflow, json_object_agg(type, count) as events from (
      select e ->> 'workflow' as workflow, e ->> 'type' as type, count(*)::int as count from (
        select convert_from(entry, 'UTF8')::json as e from audit_event where controller_id = $1) entries group by 1, 2) types
    group by 1) e on e.workflow = d.id::text
  where d.controller_id = $1 order by d.id`;
