import { lastOfStanding } from "#audit";
import { pushBacklog } from "#consent";
import type { Database } from "#database";
import { deliveryBacklog } from "#intake";
import { rightsBacklog } from "#rights";
import { type ControllerId, HUB } from "#schemas";

/** What waits in the runtime's own tables. Ages are in seconds, null where nothing waits. */
export interface RuntimeBacklog {
  readonly events: number;
  readonly oldestEvent: number | null;
  readonly due: number;
  readonly oldestDue: number | null;
  /** 1 while the kill switch holds everything. */
  readonly stopped: number;
}

/** What has been committed and not been sealed yet. */
export interface AuditBacklog {
  readonly unsealed: number;
  readonly oldest: number | null;
  readonly checkpoint: number | null;
}

/** What waits, failed, or is left to people, of all controllers together: nobody is told from it. */
export interface RecordsBacklog {
  readonly controllers: number;
  readonly deliveries: { readonly waiting: number; readonly oldest: number | null; readonly failed: number };
  readonly pushes: {
    readonly open: number;
    readonly failed: number;
    readonly manual: number;
    readonly stuck: number;
  };
  readonly rights: {
    readonly open: number;
    readonly overdue: number;
    readonly waiting: number;
    readonly next: number | null;
  };
}

export async function runtimeBacklog(database: Database): Promise<RuntimeBacklog | undefined> {
  const [row] = await database.acrossControllers(
    "lethe_runtime",
    ({ sql }) => sql<RuntimeBacklog[]>`
      select e.count::int as events, e.age::float8 as "oldestEvent", q.count::int as due, q.age::float8 as "oldestDue",
        (select count(*)::int from processing_stop where controller_id = ${HUB}) as stopped from
        (select count(*), extract(epoch from now() - min(created_at)) as age from runtime_event where dispatched_at is null) as e,
        (select count(*), extract(epoch from now() - min(run_at)) as age from runtime_queue
          where run_at <= now() and (lease is null or locked_until < now())) as q`,
  );
  return row;
}

/**
 * The watermark is asked for by subqueries of their own, so that the index on (xid, id) is read from there on. A join would
 * read the whole log, which only grows.
 */
export async function auditBacklog(database: Database): Promise<AuditBacklog | undefined> {
  const [row] = await database.acrossControllers(
    "lethe_sequencer",
    ({ sql }) => sql<AuditBacklog[]>`
      with unsealed as materialized (
        select controller_id, xid, id from audit_event
        where (xid, id) > (coalesce((select watermark_xid from audit_sequencer), '0'::xid8), coalesce((select watermark_id from audit_sequencer), 0))
          and id > coalesce((select floor_id from audit_sequencer), 0)
      ), first as (select * from unsealed order by xid, id limit 1)
      select (select count(*)::int from unsealed) as unsealed,
        (select extract(epoch from now() - (convert_from(e.entry, 'utf8')::jsonb ->> 'time')::timestamptz)::float8
          from first join audit_event e on e.controller_id = first.controller_id and e.id = first.id) as oldest,
        (select extract(epoch from now() - checkpointed_at)::float8 from audit_log where controller_id = ${HUB}) as checkpoint`,
  );
  return row;
}

export interface LastCheck {
  readonly faults: number;
  /** 1 if the hub's log was compared with the checkpoint that is held outside, 0 if there was none. */
  readonly witness: number;
  /** Seconds since 1970. */
  readonly at: number;
}

/** What the last nightly check found, and when it was. */
export async function lastCheck(database: Database): Promise<LastCheck | undefined> {
  const last = await database.acrossControllers("lethe_sequencer", (tx) =>
    lastOfStanding(tx, "integrity", HUB),
  );
  return (
    last && {
      faults: Number(last.facts.faults),
      witness: last.facts.witness === "compared" ? 1 : 0,
      at: Math.floor(Date.parse(last.time) / 1_000),
    }
  );
}

/** Transactions of one pass at a time: a scrape must not keep the workflows from their sessions. */
const AT_ONCE = 2;

/**
 * Row-level security shows one controller at a time, and there is no way around it: a transaction for each, of three
 * statements that travel together. However many there are, two of the hub's sessions are enough.
 */
export async function recordsBacklog(database: Database): Promise<RecordsBacklog> {
  const rows = await database.acrossControllers(
    "lethe_intake",
    ({ sql }) =>
      sql<{ id: ControllerId }[]>`select controller_id as id from controller where controller_id <> ${HUB}`,
  );
  const waiting = [...rows];
  const counted: Awaited<ReturnType<typeof count>>[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
        counted.push(await count(database, next.id));
    }),
  );
  const sum = (of: (one: (typeof counted)[number]) => number) =>
    counted.reduce((total, one) => total + of(one), 0);
  const extreme = (
    pick: (...ages: number[]) => number,
    of: (one: (typeof counted)[number]) => number | null,
  ) => {
    const known = counted.map(of).filter((age) => age !== null);
    return known.length === 0 ? null : known.reduce((a, b) => pick(a, b));
  };
  return {
    controllers: counted.length,
    deliveries: {
      waiting: sum(({ deliveries }) => deliveries.waiting),
      oldest: extreme(Math.max, ({ deliveries }) => deliveries.oldest),
      failed: sum(({ deliveries }) => deliveries.failed),
    },
    pushes: {
      open: sum(({ pushes }) => pushes.open),
      failed: sum(({ pushes }) => pushes.failed),
      manual: sum(({ pushes }) => pushes.manual),
      stuck: sum(({ pushes }) => pushes.stuck),
    },
    rights: {
      open: sum(({ rights }) => rights.open),
      overdue: sum(({ rights }) => rights.overdue),
      waiting: sum(({ rights }) => rights.waiting),
      next: extreme(Math.min, ({ rights }) => rights.next),
    },
  };
}

function count(database: Database, id: ControllerId) {
  return database.inController(id, async (tx) => {
    const [deliveries, pushes, rights] = await Promise.all([
      deliveryBacklog(tx),
      pushBacklog(tx),
      rightsBacklog(tx),
    ]);
    return { deliveries, pushes, rights };
  });
}
