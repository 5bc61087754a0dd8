import autocannon from "autocannon";
import type { LoadWork, Measured } from "./load.ts";
import { anotherDelivery, type SignedOrder, signedOrder } from "./orders.ts";

// Sends in a process of its own, so that what it costs can be told from what the hub costs.
process.on("message", (work: LoadWork) => {
  send(work).then(
    (measured) => process.send?.(measured),
    (error: Error) => process.send?.({ failed: error.message }),
  );
});

async function send(work: LoadWork): Promise<Measured> {
  const cpu = process.cpuUsage();
  const measured = await run(work, orders(work));
  const { user, system } = process.cpuUsage(cpu);
  return { ...measured, processor: (user + system) / 1_000 };
}

function run(work: LoadWork, next: () => SignedOrder): Promise<Omit<Measured, "processor">> {
  const { urls, connections, seconds, amount, rate } = work;
  const paths = urls.map((url) => new URL(url).pathname);
  let turn = 0;
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const options: autocannon.Options = {
      url: new URL(urls[0] ?? "").origin,
      connections: Math.min(connections, amount ?? connections),
      method: "POST",
      ...(seconds === undefined ? {} : { duration: seconds }),
      ...(amount === undefined ? {} : { amount }),
      ...(rate === undefined ? {} : { overallRate: rate }),
      timeout: 60,
      requests: [
        {
          setupRequest: (request) => ({ ...request, path: paths[turn++ % paths.length] ?? "/", ...next() }),
        },
      ],
    };
    const instance = autocannon(options, (error, result) => {
      if (error) return reject(error);
      const { errors, non2xx, duration, latency } = result;
      if (errors > 0 || non2xx > 0) reject(new Error(`${errors} errors, ${non2xx} not 2xx`));
      const sent = result["2xx"];
      resolve({ perSecond: sent / duration, p50: latency.p50, p99: latency.p99, max: latency.max, sent });
    });
    if (amount === undefined) return;
    // A run of a given amount is over with its last answer; autocannon itself notices at the next full second.
    const times: number[] = [];
    instance.on("response", (_client, status, _bytes, time) => {
      if (status !== 200) reject(new Error(`an answer of ${status}`));
      if (times.push(time) < amount) return;
      times.sort((a, b) => a - b);
      const at = (share: number) => times[Math.ceil(times.length * share) - 1] ?? Number.NaN;
      const perSecond = (amount * 1_000) / (performance.now() - began);
      instance.stop();
      resolve({ perSecond, p50: at(0.5), p99: at(0.99), max: at(1), sent: amount });
    });
  });
}

/** Made beforehand as far as it is known how many it takes: signing is the platform's work, not the generator's. */
function orders({ secret, order, seconds = 0, amount, rate }: LoadWork): () => SignedOrder {
  if (order.kind === "same") {
    const one = signedOrder(0, secret);
    return () => anotherDelivery(one);
  }
  let number = order.from;
  const make = () => signedOrder(number++, secret);
  const made = Array.from({ length: amount ?? (rate ?? 0) * seconds }, make);
  let taken = 0;
  return () => made[taken++] ?? make();
}
