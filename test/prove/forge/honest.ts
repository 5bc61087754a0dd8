import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { genuine, withHeader } from "./genuine.ts";
import type { Site } from "./site.ts";
import { bytesOf, exchange } from "./wire.ts";

export interface HonestTraffic {
  stop(): Promise<{
    readonly sent: number;
    /** Milliseconds. */
    readonly slowest: number;
    readonly faults: readonly string[];
    readonly accepted: ReadonlySet<string>;
  }>;
}

/** Milliseconds between two requests. */
const PACE = 40;
/** Milliseconds that no request may wait, on however busy a machine; how long they did wait is a figure. */
const HELD_UP = 10_000;

/** A shop that sends its orders all the while, each new to the hub, and must not notice what else is going on. */
export function keepSending({ port, targets }: Site): HonestTraffic {
  const shop = targets.find(({ connector }) => connector.id === "shopify");
  const order = shop?.fixtures.find(({ name }) => name === "orders-create");
  if (shop === undefined || order === undefined) throw new Error("no shop to send from");
  const accepted = new Set<string>();
  const faults: string[] = [];
  let [sent, slowest, stopped] = [0, 0, false];
  const sending = (async () => {
    while (!stopped) {
      const wire = withHeader(genuine(shop, order).wire, "x-shopify-webhook-id", randomUUID());
      const answer = await exchange(port, bytesOf(wire));
      sent += 1;
      slowest = Math.max(slowest, answer.took);
      for (const id of answer.accepted) accepted.add(id);
      if (answer.accepted.length !== 1)
        faults.push(
          `an honest request was answered ${answer.statuses.join() || "nothing"} ${answer.codes.join()}`,
        );
      else if (answer.took > HELD_UP) faults.push(`an honest request waited ${Math.round(answer.took)} ms`);
      await sleep(PACE);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await sending;
      return { sent, slowest, faults, accepted };
    },
  };
}
