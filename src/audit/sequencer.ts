import { setTimeout as sleep } from "node:timers/promises";
import { type Database, databaseErrors } from "#database";
import { describeError } from "#schemas";
import { traceSince } from "#telemetry";
import type { KeyRing } from "#vault";
import { signDueCheckpoints, type Witness } from "./checkpoint.ts";
import { orderSettled, sequenceNext, startEpoch } from "./sequence.ts";

/** Advisory lock of the one sequencer among all processes. */
const SEQUENCER = 0x1e74e003;

/** Milliseconds between looks for new events: soon after there were some, seldom otherwise. */
const BUSY = 40;
const IDLE = 500;

export interface Sequencer {
  /** Says that events were committed, so that it looks at once. */
  wake(): void;
  /** Seals what is committed, signs it, and stops. */
  stop(): Promise<void>;
}

/** Puts committed events in order for as long as it runs, if this process is the one elected to. */
export function startSequencer(options: {
  database: Database;
  ring: KeyRing;
  witness: Witness;
  onError: (fault: { code: string }) => void;
}): Sequencer {
  const { database, ring, witness, onError } = options;
  const stopping = new AbortController();
  let woken = Promise.withResolvers<void>();
  const running = run();

  return {
    wake: () => woken.resolve(),
    stop: async () => {
      stopping.abort();
      woken.resolve();
      await running;
    },
  };

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await database.elect(SEQUENCER, "lethe_sequencer", lead);
      } catch (error) {
        onError(describeError(error));
      }
      await pause(IDLE);
    }
  }

  async function lead(session: { alive(): boolean }): Promise<void> {
    await startEpoch((work) => database.acrossControllers("lethe_sequencer", work));
    let lastWork = Date.now();
    while (!stopping.signal.aborted) {
      if (!session.alive()) throw databaseErrors.unavailable();
      if (await sequenceAll(database)) lastWork = Date.now();
      if (await signDueCheckpoints(database, ring, witness)) lastWork = Date.now();
      await pause(Date.now() - lastWork < 5_000 ? BUSY : IDLE);
    }
    await sealAll(database, ring, witness);
  }

  async function pause(milliseconds: number): Promise<void> {
    await Promise.race([sleep(milliseconds, undefined, { ref: false }), woken.promise]);
    if (!stopping.signal.aborted) woken = Promise.withResolvers();
  }
}

/** Sequences until it catches up; returns whether there was anything. */
async function sequenceAll(database: Database): Promise<boolean> {
  let any = false;
  for (;;) {
    const began = Date.now();
    const { sequenced, caughtUp } = await database.acrossControllers("lethe_sequencer", sequenceNext);
    if (sequenced > 0) traceSince(began, "sequence", { "lethe.count": sequenced });
    any ||= sequenced > 0;
    if (caughtUp) return any;
  }
}

/** Everything committed is sealed and signed, the hub's log included: twice, because checkpoints are events of the hub's log. */
async function sealAll(database: Database, ring: KeyRing, witness: Witness): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await orderSettled(database, 1_000);
    await sequenceAll(database);
    await signDueCheckpoints(database, ring, witness, { all: true });
  }
}
