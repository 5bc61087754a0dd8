import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { costs, perDelivery } from "../costs.ts";
import { besideEach, figure } from "../figures.ts";
import { load } from "../load.ts";
import type { Part } from "../part.ts";
import { processorTimeOf } from "../processor-time.ts";
import { SECRET } from "../running-hub.ts";

const here = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const order = { kind: "same" } as const;

/** With processing going on beside them, as it does. At half load all of it is in the cost of an ack, at full load little. */
export const acks: Part = {
  name: "acks",
  about: "acknowledgements and their latency, beside a bare echo and single-row inserts",
  async run({ seconds, connections, hub: start, repeat }) {
    const hub = await start();
    const { url } = await hub.connection();
    const urls = [url];
    await hub.send({ urls, connections, order, seconds: seconds / 3 }); // until it is compiled
    const rounds = await repeat("acknowledgements", async () => {
      const echo = await withEcho(async (echoUrl, pid) => {
        const work = { urls: [echoUrl], secret: SECRET, connections, order };
        await load({ ...work, seconds: seconds / 5 });
        const before = processorTimeOf(pid);
        const sent = await load({ ...work, seconds });
        return { ...sent, used: processorTimeOf(pid) - before };
      });
      const given = JSON.stringify({ server: hub.server, sessions: connections, seconds: seconds / 2 });
      const inserts = JSON.parse(
        (await promisify(execFile)(process.execPath, [here("inserts.ts"), given])).stdout,
      ) as { pooled: number; whole: number };
      await hub.drained();
      const full = await hub.send({ urls, connections, order, seconds });
      await hub.drained();
      const rate = Math.round(full.perSecond / 2);
      const half = await hub.send({ urls, connections, order, seconds, rate });
      await hub.drained();
      return { echo, inserts, full, half };
    });
    const of = (pick: (round: (typeof rounds)[number]) => number) => rounds.map(pick);
    const sent = (which: "full" | "half") =>
      rounds.map(({ [which]: { sent: deliveries, used, processor: generator } }) => ({
        ...{ deliveries, used, generator },
      }));
    const rate = of(({ full }) => full.perSecond);
    const echo = of((round) => round.echo.perSecond);
    const pooled = of(({ inserts }) => inserts.pooled);
    const ackCosts = of(({ full }) => perDelivery({ deliveries: full.sent, used: full.used }));
    const echoCosts = of((round) => microseconds(round.echo.used, round.echo.sent));
    return [
      figure("bare Hono echo", echo, "/s", "neither"),
      figure(
        "single-row insert transactions",
        of(({ inserts }) => inserts.whole),
        "/s",
        "neither",
      ),
      figure("single-row inserts through one pool", pooled, "/s", "neither"),
      figure("durable acks", rate, "/s", "more", besideEach("inserts through one pool", rate, pooled)),
      figure(
        "  beside the echo",
        of(({ full, echo }) => full.perSecond / echo.perSecond),
        "×",
        "more",
        {
          aim: "0.35 ×",
        },
      ),
      figure(
        "  beside insert transactions",
        of(({ full, inserts }) => full.perSecond / inserts.whole),
        "×",
        "more",
        { aim: "2.00 ×" },
      ),
      figure(
        "  p50 at full load",
        of(({ full }) => full.p50),
        "ms",
        "less",
      ),
      figure(
        "  p99 at full load",
        of(({ full }) => full.p99),
        "ms",
        "less",
      ),
      figure(
        "  p50 at half load",
        of(({ half }) => half.p50),
        "ms",
        "less",
      ),
      figure(
        "  p99 at half load",
        of(({ half }) => half.p99),
        "ms",
        "less",
        { aim: "40 ms" },
      ),
      // Steadier than rates, on a machine that does something else as well.
      figure("CPU of an echo", echoCosts, "µs", "neither"),
      figure(
        "  an echo: load generator",
        of(({ echo }) => microseconds(echo.processor, echo.sent)),
        "µs",
        "neither",
      ),
      figure(
        "CPU of an ack beside the echo's",
        ackCosts.map((cost, i) => cost / (echoCosts[i] ?? 0)),
        "×",
        "less",
      ),
      ...costs("an ack at full load", sent("full")),
      ...costs("an ack at half load", sent("half")),
    ].filter(({ value }) => Number.isFinite(value)); // no /proc, no processor time
  },
};

const microseconds = (milliseconds: number, count: number) => (milliseconds * 1_000) / count;

async function withEcho<T>(work: (url: string, pid: number) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [here("echo.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const url = await new Promise<string>((ready) =>
      child.stdout?.once("data", (chunk: Buffer) => ready(chunk.toString("utf8").trim())),
    );
    return await work(url, child.pid ?? 0);
  } finally {
    child.kill();
  }
}
