import { type Cost, costs, perDelivery } from "../costs.ts";
import { figure, median } from "../figures.ts";
import type { Bench, Part } from "../part.ts";
import type { RunningHub } from "../running-hub.ts";
import { fillTo } from "../stored.ts";
import { sendAndDrain } from "./processing.ts";

export const growth: Part = {
  name: "growth",
  about: "what an ack and an order cost when a hundred times as many are stored",
  async run(bench) {
    const hub = await bench.hub();
    const { url, controller } = await hub.connection();
    await sendAndDrain(hub, [url], Math.min(500, bench.backlog), 900_000_000);
    const small = await at(bench, hub, { url, controller, stored: Math.ceil(bench.stored / 100), from: 1 });
    const large = await at(bench, hub, { url, controller, stored: bench.stored, from: 100_000_001 });
    const size = (count: number) => count.toLocaleString("en");
    const beside = (pick: (one: Round) => number) => large.map((one) => pick(one) / median(small.map(pick)));
    return [
      ...costs(
        `an order with ${size(bench.stored / 100)} stored`,
        small.map(({ whole }) => whole),
      ),
      ...costs(
        `an order with ${size(bench.stored)} stored`,
        large.map(({ whole }) => whole),
      ),
      figure(
        "CPU of an ack, large beside small",
        beside(({ ack }) => perDelivery(ack)),
        "×",
        "less",
        { aim: "1.2 ×" },
      ),
      figure(
        "CPU of an order, large beside small",
        beside(({ whole }) => perDelivery(whole)),
        "×",
        "less",
        { aim: "1.2 ×" },
      ),
      figure(
        "acks, large beside small",
        beside(({ acks }) => acks),
        "×",
        "more",
      ),
      figure(
        "from ack to processed, large beside small",
        beside(({ overall }) => overall),
        "×",
        "more",
        { aim: "0.8 ×" },
      ),
    ].filter(({ value }) => Number.isFinite(value));
  },
};

interface Round {
  readonly ack: Cost;
  readonly acks: number;
  readonly whole: Cost;
  readonly overall: number;
}

async function at(
  { backlog, seconds, say, repeat }: Bench,
  hub: RunningHub,
  { url, controller, stored, from }: { url: string; controller: string; stored: number; from: number },
): Promise<Round[]> {
  await fillTo(hub, controller, stored, (done) =>
    say(`${done.toLocaleString("en")} of ${stored.toLocaleString("en")} are stored`),
  );
  const amount = Math.ceil(backlog / 2);
  await sendAndDrain(hub, [url], amount, from + 50_000_000); // until its pages are in memory
  return repeat(`with ${stored.toLocaleString("en")} stored`, async (number) => {
    const { whole, overall } = await sendAndDrain(hub, [url], amount, from + number * amount);
    const sent = await hub.send({ urls: [url], connections: 64, order: { kind: "same" }, seconds });
    await hub.drained();
    return { whole, overall, acks: sent.perSecond, ack: { deliveries: sent.sent, used: sent.used } };
  });
}
