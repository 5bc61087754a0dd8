import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "inngest/edge";
import type { Transaction } from "#database";
import { describeError } from "#schemas";
import { createClient } from "../client.ts";
import type { Runtime, RuntimeOptions } from "../runtime.ts";
import { findStop, tellOfStops } from "../switch.ts";
import { callFunction, type Handler, registerFunctions } from "./call.ts";
import { scheduleCrons, startDueCrons } from "./cron.ts";
import { dispatchEvents, type Functions } from "./events.ts";
import { removeOld } from "./housekeeping.ts";
import { type Presence, showPresence } from "./presence.ts";
import { claimItems, extendLeases, type Item, nextDue, releaseItems } from "./queue.ts";
import { readRegistration } from "./registration.ts";
import { applyReply, applyTimer, mayBeWrittenLater, unwritable } from "./reply.ts";
import { localServer } from "./server.ts";

/** How long an item is ours unless a heartbeat says so again, in seconds. */
const LEASE = 30;
/** Function calls that one process has under way at most. */
const CAPACITY = 32;
/** Milliseconds between looks at the queue when nothing says that there is something: other processes write to it too. */
const POLL = 500;
/** Milliseconds between looks at the least, however often the runtime is woken: what comes meanwhile shares the next look. */
const LOOK = 5;
/** Milliseconds of rest between items, one at a time, while there is something more urgent. */
const REST = 250;
/** Milliseconds between looks at crons, and between removals of what is old. */
const CRON_EVERY = 1_000;
const CLEAN_EVERY = 600_000;

export interface EmbeddedOptions extends RuntimeOptions {
  /** 1 in production; less shrinks the waits between retries. */
  readonly backoffScale?: number;
  /** Whether something more urgent than workflows goes on: webhooks are acknowledged first and processed later. */
  readonly giveWay?: () => boolean;
}

/** The embedded runtime: an executor on the hub's own tables that speaks an Inngest server's protocol to the SDK, in process. */
export function createEmbeddedRuntime(options: EmbeddedOptions): Runtime {
  const { database, log, backoffScale = 1, giveWay = () => false } = options;
  const worker = randomInt(1, 2 ** 31);
  const working = new Map<string, Item>();
  const calls = new Set<Promise<void>>();
  const client = createClient(options, {
    isDev: true,
    baseUrl: "http://embedded.local",
    eventKey: "embedded",
    fetch: localServer({ database, working, wake }),
  });
  const handler = serve({ client, functions: options.workflows(client) }) as unknown as Handler;
  const stopping = new AbortController();
  let functions: Functions = new Map();
  let woken = Promise.withResolvers<void>();
  let presence: Presence | undefined;
  const tell = tellOfStops(log);
  let healthy = false;
  let loop: Promise<unknown> = Promise.resolve();
  let heartbeat: NodeJS.Timeout | undefined;

  return { kind: "embedded", start, wake, ready: () => healthy, stop };

  async function start(): Promise<void> {
    functions = readRegistration(await registerFunctions(handler));
    await inTransaction((tx) => scheduleCrons(tx, functions));
    presence = showPresence(database, worker, {
      released: wake,
      onError: (error) => log.warn(describeError(error), "others may not see this process; trying again"),
    });
    await presence.seen;
    healthy = true;
    heartbeat = setInterval(() => void keepLeases(), (LEASE * 1_000) / 3);
    loop = Promise.all([run(), every(CRON_EVERY, crons), every(CLEAN_EVERY, () => inTransaction(removeOld))]);
  }

  function wake(): void {
    woken.resolve();
  }

  async function stop(milliseconds: number): Promise<void> {
    healthy = false;
    stopping.abort();
    wake();
    const finished = loop.then(() => Promise.allSettled(calls)).then(() => true);
    const inTime = await Promise.race([finished, sleep(milliseconds, false, { ref: false })]);
    clearInterval(heartbeat);
    // What is still running loses its lease here: its checkpoints are refused, and another process takes it over.
    if (!inTime) await inTransaction((tx) => releaseItems(tx, [...working.values()])).catch(() => {});
    await presence?.leave();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const crowded = giveWay();
        const busy = await takeWork(crowded ? 1 : CAPACITY);
        healthy = true;
        if (crowded) await rest(REST);
        else if (busy) await rest(LOOK);
        else await idle();
      } catch (error) {
        healthy = false;
        log.warn(describeError(error), "the runtime could not look for work; trying again");
        await pause(POLL);
      }
    }
  }

  /** Dispatches events and starts what is due. False when there was nothing to do or nobody free to do it. */
  async function takeWork(most: number): Promise<boolean> {
    // What has a limit of its own for all keys together waits for somebody else's answers, and is in nobody's way.
    const busy = [...working.values()].filter(
      ({ functionId }) => functions.get(functionId)?.concurrency?.total === undefined,
    );
    const free = most - busy.length;
    if (free <= 0) return false;
    const { stop, dispatched, items } = await inTransaction(async (tx) => {
      const stop = await findStop(tx);
      // What waits goes on waiting where it is, in the order in which it came.
      if (stop !== undefined) return { stop, dispatched: 0, items: [] };
      return {
        ...{ stop, dispatched: await dispatchEvents(tx, functions) },
        items: await claimItems(tx, functions, { capacity: free, leaseSeconds: LEASE, worker }),
      };
    });
    tell(stop);
    if (stopping.signal.aborted) {
      // Claimed while a stop began, perhaps what it has just handed back: this is no time to start anything.
      if (items.length > 0) await inTransaction((tx) => releaseItems(tx, items));
      return false;
    }
    for (const item of items) {
      working.set(item.id, item);
      const call = execute(item).finally(() => {
        working.delete(item.id);
        calls.delete(call);
        wake();
      });
      calls.add(call);
    }
    return dispatched > 0 || items.length > 0;
  }

  async function execute(item: Item): Promise<void> {
    const context = { functions, backoffScale };
    try {
      const reply =
        item.kind === "call"
          ? await callFunction(handler, item, functions.get(item.functionId)?.maxAttempts ?? 1)
          : undefined;
      await write((tx) =>
        reply === undefined ? applyTimer(tx, item) : applyReply(tx, item, reply, context),
      );
    } catch (error) {
      complain(item, error);
      // Nothing was written. What passes comes back when its lease is over, and goes on from its last checkpoint.
      if (mayBeWrittenLater(error)) return;
      await write((tx) => applyReply(tx, item, unwritable(error), context)).catch((fault: unknown) =>
        complain(item, fault),
      );
    }
  }

  function complain(item: Item, error: unknown): void {
    log.error(
      { ...describeError(error), function: item.functionId, run: item.runId },
      "a run's answer could not be written",
    );
  }

  /** What was done must not be done again because the database is away for a moment. */
  async function write(work: (tx: Transaction) => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await inTransaction(work);
      } catch (error) {
        if (stopping.signal.aborted || describeError(error).code !== "database/unavailable") throw error;
        await sleep(POLL / 2);
      }
    }
  }

  async function idle(): Promise<void> {
    const due = await inTransaction(nextDue);
    await pause(Math.min(POLL, due === undefined || due === 0 ? POLL : due + 1));
  }

  async function pause(milliseconds: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([
      woken.promise,
      sleep(milliseconds, undefined, { signal: over.signal }).catch(() => {}),
    ]);
    over.abort();
    if (!stopping.signal.aborted) woken = Promise.withResolvers();
  }

  function rest(milliseconds: number): Promise<void> {
    return sleep(milliseconds, undefined, { signal: stopping.signal }).catch(() => {});
  }

  async function keepLeases(): Promise<void> {
    if (working.size === 0) return;
    await inTransaction((tx) => extendLeases(tx, [...working.values()], LEASE)).catch((error: unknown) =>
      log.warn(describeError(error), "leases could not be extended"),
    );
  }

  /** While processing is stopped none is started: what was missed is made up for once, however often it was due. */
  async function crons(): Promise<void> {
    const started = await inTransaction(async (tx) =>
      (await findStop(tx)) === undefined ? startDueCrons(tx, functions) : 0,
    );
    if (started > 0) wake();
  }

  async function every(milliseconds: number, work: () => Promise<unknown>): Promise<void> {
    while (!stopping.signal.aborted) {
      await work().catch((error: unknown) =>
        log.warn(describeError(error), "housekeeping failed; trying again"),
      );
      await rest(milliseconds);
    }
  }

  /** Two processes that meet on the same runs may deadlock; PostgreSQL then picks one, which tries again. */
  async function inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await database.acrossControllers("lethe_runtime", work);
      } catch (error) {
        if (attempt === 4 || describeError(error).code !== "postgres/40P01") throw error;
      }
    }
  }
}
