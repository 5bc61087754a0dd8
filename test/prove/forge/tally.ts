import { setTimeout as sleep } from "node:timers/promises";
import type { Dose } from "../harness.ts";
import { watchMemory } from "./memory.ts";
import type { Site } from "./site.ts";
import { type Exchange, exchange } from "./wire.ts";

/** Faults after which it is proven enough. */
const ENOUGH = 5;

/** What was tried, what was answered, and what was wrong with it. */
export interface Tally {
  readonly broken: readonly string[];
  /** Ids of what the hub said it has accepted. */
  readonly accepted: Set<string>;
  /** Ids of those that nobody can read. */
  readonly mustFail: Set<string>;
  /** Sends an attempt and counts it; undefined if the hub's process is gone. */
  send(kind: string, bytes: Uint8Array, quiet?: number): Promise<Exchange | undefined>;
  fault(text: string): void;
  wronglyAccepted(): void;
  /** There is nothing more to find out. */
  done(): boolean;
  /** The hub's process is gone. */
  gone(): boolean;
  figures(): Readonly<Record<string, number>>;
  stop(): void;
}

export function keepTally({ hub, port }: Site, { seed, foundOut }: Pick<Dose, "seed" | "foundOut">): Tally {
  const broken: string[] = [];
  const kinds = new Set<string>();
  const accepted = new Set<string>();
  const underWay = new Map<symbol, string>();
  const memory = watchMemory(hub.pid);
  let [requests, wrongly, serverErrors, slowest] = [0, 0, 0, 0];
  let gone = false;
  let stopped = false;

  const fault = (text: string) => {
    if (broken.length < ENOUGH) broken.push(`${text} (seed ${seed})`);
  };
  void hub.exited.then((code) => {
    if (stopped) return;
    gone = true;
    const during = [...new Set(underWay.values())].join("; ") || "nothing";
    broken.unshift(`the hub's process ended with ${code}, while under way were: ${during} (seed ${seed})`);
  });

  return {
    ...{ broken, accepted, fault, mustFail: new Set() },
    send: async (kind, bytes, quiet) => {
      const attempt = Symbol(kind);
      underWay.set(attempt, kind);
      const answer = await exchange(port, bytes, quiet);
      // Of a process that has just ended we hear a moment later.
      if (answer.statuses.length === 0) await sleep(20);
      underWay.delete(attempt);
      if (gone) return undefined;
      requests += 1;
      kinds.add(kind);
      slowest = Math.max(slowest, answer.took);
      for (const id of answer.accepted) accepted.add(id);
      // Without a mail server, people are told that the hub has none.
      if (answer.statuses.some((status) => status >= 500) && !answer.codes.includes("rights/no-mail"))
        serverErrors += 1;
      return answer;
    },
    wronglyAccepted: () => {
      wrongly += 1;
    },
    done: () => gone || broken.length >= ENOUGH || foundOut(broken),
    gone: () => gone,
    figures: () => ({
      requests,
      kinds: kinds.size,
      "wrongly accepted": wrongly,
      crashes: gone ? 1 : 0,
      "server errors": serverErrors,
      "slowest answer, ms": Math.round(slowest),
      "resident memory at most, MB": memory.peak(),
    }),
    stop: () => {
      stopped = true;
      memory.stop();
    },
  };
}
