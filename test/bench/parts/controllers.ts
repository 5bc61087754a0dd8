import { perDelivery } from "../costs.ts";
import { figure } from "../figures.ts";
import type { Part } from "../part.ts";
import type { RunningHub } from "../running-hub.ts";
import { sendAndDrain } from "./processing.ts";

const MANY = 8;
/** Requests a second of a shop that is not busy. */
const FEW = 10;

export const controllers: Part = {
  name: "controllers",
  about: `one controller and ${MANY}, with the same load in all; a small one beside one that is flooded`,
  async run({ backlog, seconds, hub: start, repeat }) {
    const hub = await start();
    const made = [];
    for (let i = 0; i < MANY; i++) made.push(await hub.connection());
    const urls = made.map(({ url }) => url);
    const [one = ""] = urls;
    await sendAndDrain(hub, urls, Math.min(backlog, 500), 900_000_000);
    let from = 1;
    const send = async (to: readonly string[]) => {
      const since = await hub.ask<string>("select clock_timestamp()::text");
      const drained = await sendAndDrain(hub, to, backlog, from);
      from += backlog;
      return { ...drained, fairness: await finishedTogether(hub, since) };
    };
    const rounds = await repeat("a backlog of one and of many", async () => ({
      one: await send([one]),
      many: await send(urls),
    }));
    const small = made.at(-1) ?? { url: "", controller: "" };
    const beside = await repeat("a small one beside a flood", async (number) => ({
      alone: await sendFew(hub, small, seconds, 50_000_000 + number * 1_000_000),
      flooded: await sendFew(hub, small, seconds, 80_000_000 + number * 1_000_000, one),
    }));
    const of = (pick: (round: (typeof rounds)[number]) => number) => rounds.map(pick);
    const few = (pick: (round: (typeof beside)[number]) => number) => beside.map(pick);
    return [
      figure(
        `acks of ${MANY} controllers beside those of one`,
        of(({ one, many }) => many.acks / one.acks),
        "×",
        "more",
      ),
      figure(
        `orders from ack to processed of ${MANY} beside one`,
        of(({ one, many }) => many.overall / one.overall),
        "×",
        "more",
      ),
      figure(
        `CPU of such an order of ${MANY} beside one`,
        of(({ one, many }) => perDelivery(many.whole) / perDelivery(one.whole)),
        "×",
        "less",
      ),
      figure(
        `which of ${MANY} is done first, beside the last`,
        of(({ many }) => many.fairness),
        "×",
        "more",
      ),
      figure(
        "ack p99 of a small controller",
        few(({ alone }) => alone.p99),
        "ms",
        "less",
      ),
      figure(
        "  beside one that is flooded",
        few(({ flooded }) => flooded.p99),
        "ms",
        "less",
      ),
      figure(
        "from ack to processed, p99 of a small controller",
        few(({ alone }) => alone.processed),
        "ms",
        "less",
      ),
      figure(
        "  beside one with a backlog that grows",
        few(({ flooded }) => flooded.processed),
        "ms",
        "less",
      ),
    ].filter(({ value }) => Number.isFinite(value));
  },
};

/** Time until the first controller was done, by the time until the last was: 1 if they are served alike. */
function finishedTogether(hub: RunningHub, since: string): Promise<number> {
  return hub.ask<number>(`
    select min(done) / max(done) from (
      select extract(epoch from max(processed_at) - '${since}')::float8 as done
      from lethe.delivery where received_at > '${since}' group by controller_id) each`);
}

/** What a small controller sees, while another gets as much as it answers, or nobody anything. */
async function sendFew(
  hub: RunningHub,
  small: { url: string; controller: string },
  seconds: number,
  from: number,
  flooded?: string,
): Promise<{ p99: number; processed: number }> {
  const since = await hub.ask<string>("select clock_timestamp()::text");
  const order = (from: number) => ({ kind: "distinct", from }) as const;
  const [sent] = await Promise.all([
    hub.send({ urls: [small.url], connections: 2, seconds, rate: FEW, order: order(from) }),
    flooded && hub.send({ urls: [flooded], connections: 64, seconds, order: order(from + 500_000) }),
  ]);
  await hub.drained();
  const processed = await hub.ask<number>(`
    select percentile_cont(0.99) within group (order by extract(epoch from processed_at - received_at)::float8 * 1000)
    from lethe.delivery where controller_id = '${small.controller}' and received_at > '${since}'`);
  return { p99: sent.p99, processed };
}
