import { type Cost, costs } from "../costs.ts";
import { besideEach, figure } from "../figures.ts";
import type { Part } from "../part.ts";
import { used } from "../processor-time.ts";
import type { RunningHub } from "../running-hub.ts";

const CONNECTIONS = 64;

/** Orders of customers that it has not seen: each makes a subject, its identifiers, activities and audit events. */
export const processing: Part = {
  name: "processing",
  about: "from the first ack to the last processed: a backlog, and a load that goes on",
  async run({ seconds, backlog, hub: start, repeat }) {
    const hub = await start();
    const { url } = await hub.connection();
    await sendAndDrain(hub, [url], Math.min(backlog, 500), 900_000_000); // until it is compiled
    const rounds = await repeat("a backlog", (number) =>
      sendAndDrain(hub, [url], backlog, 1 + number * backlog),
    );
    const overall = rounds.map((round) => round.overall);
    const sustained = await repeat("a load that goes on", async (number) => {
      const rate = Math.max(1, Math.round((overall[number] ?? overall[0] ?? 0) * 0.8));
      const since = await hub.ask<string>("select clock_timestamp()::text");
      const from = 10_000_000 * (1 + number);
      const sent = await hub.send({
        ...{ urls: [url], connections: CONNECTIONS, seconds, rate },
        order: { kind: "distinct", from },
      });
      const left = await hub.waiting();
      await hub.drained();
      return { sent, left, ...(await untilProcessed(hub, since)) };
    });
    return [
      figure(
        `processed of a backlog`,
        rounds.map((round) => round.perSecond),
        "/s",
        "more",
        {
          ...besideEach(
            "acks",
            rounds.map((round) => round.perSecond),
            rounds.map((round) => round.acks),
          ),
        },
      ),
      figure("from the first ack to the last processed", overall, "/s", "more", { aim: "1,500/s" }),
      ...costs(
        "an order from ack to processed",
        rounds.map((round) => round.whole),
      ),
      ...costs(
        "an order of a backlog",
        rounds.map((round) => round.drain),
      ),
      figure(
        "a load that goes on, at four fifths of that",
        sustained.map(({ sent }) => sent.perSecond),
        "/s",
        "more",
      ),
      figure(
        "  ack p99 meanwhile",
        sustained.map(({ sent }) => sent.p99),
        "ms",
        "less",
      ),
      figure(
        "  p50 from ack to processed",
        sustained.map(({ p50 }) => p50),
        "ms",
        "less",
      ),
      figure(
        "  p99 from ack to processed",
        sustained.map(({ p99 }) => p99),
        "ms",
        "less",
      ),
      figure(
        "  seconds of load that wait at its end",
        sustained.map(({ sent, left }) => left / sent.perSecond),
        "s",
        "less",
      ),
    ];
  },
};

export interface Drained {
  readonly acks: number;
  /** Processed after the last ack: a second. */
  readonly perSecond: number;
  /** From the first ack to the last processed: a second. */
  readonly overall: number;
  readonly whole: Cost;
  readonly drain: Cost;
}

/** What is left to process when the last is acknowledged, by the time it takes; nothing new comes meanwhile. */
export async function sendAndDrain(
  hub: RunningHub,
  urls: readonly string[],
  amount: number,
  from: number,
): Promise<Drained> {
  const sent = await hub.send({
    ...{ urls, connections: CONNECTIONS, amount },
    order: { kind: "distinct", from },
  });
  const acknowledged = performance.now();
  const before = hub.processorTime();
  const backlog = await hub.waiting();
  await hub.drained();
  const draining = performance.now() - acknowledged;
  const drain = { deliveries: backlog, used: used(before, hub.processorTime()) };
  const whole =
    sent.used === undefined || drain.used === undefined
      ? undefined
      : {
          hubThread: sent.used.hubThread + drain.used.hubThread,
          hubOthers: sent.used.hubOthers + drain.used.hubOthers,
          postgres: sent.used.postgres + drain.used.postgres,
        };
  return {
    acks: sent.perSecond,
    perSecond: (backlog * 1_000) / draining,
    overall: (sent.sent * 1_000) / ((sent.sent * 1_000) / sent.perSecond + draining),
    whole: { deliveries: sent.sent, used: whole },
    drain,
  };
}

/** Milliseconds between a delivery's commit and the commit of its effects. */
async function untilProcessed(hub: RunningHub, since: string): Promise<{ p50: number; p99: number }> {
  const [p50 = Number.NaN, p99 = Number.NaN] = await hub.ask<number[]>(`
    select to_json(percentile_cont(array[0.5, 0.99]) within group (
      order by extract(epoch from processed_at - received_at)::float8 * 1000))
    from lethe.delivery where received_at > '${since}' and processed_at is not null`);
  return { p50, p99 };
}
