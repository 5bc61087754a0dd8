import autocannon from "autocannon";
import type { SignedOrder } from "./orders.ts";

export interface Measured {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly sent: number;
}

/** Requests over keep-alive connections: as many as there are answers for, or at a fixed rate. Throws if any is not answered with 200. */
export async function load(options: {
  url: string;
  connections: number;
  next: () => SignedOrder;
  seconds?: number;
  amount?: number;
  rate?: number;
}): Promise<Measured> {
  const { url, connections, next, seconds, amount, rate } = options;
  const began = performance.now();
  const result = await autocannon({
    url,
    connections,
    method: "POST",
    ...(seconds === undefined ? {} : { duration: seconds }),
    ...(amount === undefined ? {} : { amount }),
    ...(rate === undefined ? {} : { overallRate: rate }),
    requests: [{ setupRequest: (request) => ({ ...request, ...next() }) }],
  });
  if (result.errors > 0 || result.non2xx > 0)
    throw new Error(`${url}: ${result.errors} errors, ${result.non2xx} answers other than 2xx`);
  const answered = result["2xx"];
  return {
    // autocannon rounds a run of a given amount up to whole seconds.
    perSecond: answered / (amount === undefined ? result.duration : (performance.now() - began) / 1_000),
    p50: result.latency.p50,
    p99: result.latency.p99,
    sent: answered,
  };
}
