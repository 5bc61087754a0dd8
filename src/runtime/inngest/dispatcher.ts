import { setTimeout as sleep } from "node:timers/promises";
import type { Inngest } from "inngest";
import type { Database, Transaction } from "#database";
import { type ControllerId, describeError } from "#schemas";
import type { RuntimeLog } from "../runtime.ts";
import { findStop, tellOfStops } from "../switch.ts";

const BATCH = 200;
const POLL = 1_000;
/** Seconds that events are ours while they are being sent; after that another process may try. */
const LEASE = 60;
/** Seconds after which events that could not be sent are tried again; what was waiting behind them goes first. */
const RETRY = 3;

interface OutboxRow {
  readonly controllerId: ControllerId;
  readonly id: string;
  readonly name: string;
  readonly data: Record<string, unknown>;
  readonly ts: string;
}

/**
 * Sends the outbox to an Inngest server. The outbox id is the event id, so an event that is sent twice because
 * its answer was lost starts one run.
 */
export function createDispatcher(database: Database, client: Inngest, log: RuntimeLog) {
  const stopping = new AbortController();
  let woken = Promise.withResolvers<void>();
  let loop: Promise<void> = Promise.resolve();
  let healthy = true;
  const tell = tellOfStops(log);

  return {
    start: () => {
      loop = run();
    },
    wake: () => woken.resolve(),
    healthy: () => healthy,
    stop: async () => {
      stopping.abort();
      woken.resolve();
      await loop;
    },
  };

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let sent = 0;
      try {
        sent = await sendNext();
        healthy = true;
      } catch (error) {
        healthy = false;
        log.warn(describeError(error), "events could not be sent to the Inngest server; trying again");
      }
      if (sent === BATCH) continue;
      // A server that is away is not asked again at every event that comes in.
      const wake = healthy ? [woken.promise] : [];
      const pause = sleep(POLL, undefined, { ref: false, signal: stopping.signal }).catch(() => {});
      await Promise.race([...wake, pause]);
      if (!stopping.signal.aborted) woken = Promise.withResolvers();
    }
  }

  async function sendNext(): Promise<number> {
    const { stop, rows } = await database.acrossControllers("lethe_runtime", async (tx) => {
      const stop = await findStop(tx);
      return { stop, rows: stop === undefined ? await leaseEvents(tx) : [] };
    });
    tell(stop);
    if (rows.length === 0) return 0;
    try {
      await client.send(
        rows.map(({ id, name, data, ts }) => ({ id, name, data, ts: Math.floor(Number(ts)) })),
      );
    } catch (error) {
      await database.acrossControllers("lethe_runtime", (tx) => returnEvents(tx, rows)).catch(() => {}); // the lease runs out
      throw error;
    }
    await database.acrossControllers("lethe_runtime", (tx) => removeEvents(tx, rows));
    return rows.length;
  }
}

/** A lease instead of a transaction held open while the network answers. */
function leaseEvents({ sql }: Transaction): Promise<OutboxRow[]> {
  return sql<OutboxRow[]>`
    with next as (
      select controller_id, id from runtime_event where dispatched_at is null and (locked_until is null or locked_until < now())
      order by seq limit ${BATCH} for update skip locked
    )
    update runtime_event e set locked_until = now() + make_interval(secs => ${LEASE}) from next
    where e.controller_id = next.controller_id and e.id = next.id
    returning e.controller_id as "controllerId", e.id, e.name, e.data, extract(epoch from e.created_at) * 1000 as ts`;
}

/** Cuts the lease short: nobody waits for it to run out because of a server that was away for a moment. */
async function returnEvents({ sql }: Transaction, rows: readonly OutboxRow[]): Promise<void> {
  await sql`update runtime_event e set locked_until = now() + make_interval(secs => ${RETRY})
    from unnest(${rows.map(({ controllerId }) => controllerId)}::uuid[], ${rows.map(({ id }) => id)}::text[]) as s(controller_id, id)
    where e.controller_id = s.controller_id and e.id = s.id`;
}

async function removeEvents({ sql }: Transaction, rows: readonly OutboxRow[]): Promise<void> {
  await sql`delete from runtime_event e
    using unnest(${rows.map(({ controllerId }) => controllerId)}::uuid[], ${rows.map(({ id }) => id)}::text[]) as s(controller_id, id)
    where e.controller_id = s.controller_id and e.id = s.id`;
}
