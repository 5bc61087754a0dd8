import { figure } from "../figures.ts";
import type { Part } from "../part.ts";

/** Sockets that are open at a time: what the platforms of a shop on a sale day may have. */
const SOCKETS = 1_000;
const AT_ONCE = 10_000;

export const burst: Part = {
  name: "burst",
  about: `${AT_ONCE.toLocaleString("en")} orders at once, over ${SOCKETS.toLocaleString("en")} sockets`,
  async run({ backlog, rounds, hub: start, repeat }) {
    const hub = await start();
    const { url } = await hub.connection();
    const amount = Math.min(AT_ONCE, backlog);
    const connections = Math.min(SOCKETS, amount / 2);
    await hub.send({
      urls: [url],
      connections: 64,
      order: { kind: "same" },
      amount: Math.min(2_000, amount),
    });
    await hub.drained();
    const measured = await repeat("a burst", async (number) => {
      const before = await hub.ask<number>("select count(*)::int from lethe.delivery");
      const sent = await hub.send({
        ...{ urls: [url], connections, amount },
        order: { kind: "distinct", from: 1 + number * amount },
      });
      const acknowledged = performance.now();
      await hub.drained();
      const stored = (await hub.ask<number>("select count(*)::int from lethe.delivery")) - before;
      if (stored !== sent.sent) throw new Error(`${sent.sent} were acknowledged, ${stored} are stored`);
      const acks = amount / sent.perSecond;
      return { ...sent, acks, processed: acks + (performance.now() - acknowledged) / 1_000 };
    });
    const name = `a burst of ${amount.toLocaleString("en")} over ${connections.toLocaleString("en")} sockets`;
    return [
      figure(`${name}: answered`, measured[rounds - 1]?.sent ?? 0, "of them", "more"),
      figure(
        "  until the last ack",
        measured.map(({ acks }) => acks),
        "s",
        "less",
      ),
      figure(
        "  slowest ack",
        measured.map(({ max }) => max),
        "ms",
        "less",
      ),
      figure(
        "  until the last is processed",
        measured.map(({ processed }) => processed),
        "s",
        "less",
      ),
    ];
  },
};
