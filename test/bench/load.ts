import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Measured {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly sent: number;
  /** Milliseconds of processor time that sending took. */
  readonly processor: number;
}

export interface LoadWork {
  /** In turn; all of the same host. */
  readonly urls: readonly string[];
  readonly secret: string;
  readonly connections: number;
  /** The same order under ever new ids, or orders of different customers, numbered from `from`. */
  readonly order: { readonly kind: "same" } | { readonly kind: "distinct"; readonly from: number };
  readonly seconds?: number;
  readonly amount?: number;
  /** A second; without it, as many as there are answers for. */
  readonly rate?: number;
}

/** Generators that have nothing to send: to start one costs as much as a thousand requests. */
const idle: ChildProcess[] = [];

/** Requests over keep-alive connections, sent by a process of their own. Throws if any is not answered with 2xx. */
export async function load(work: LoadWork): Promise<Measured> {
  const child = idle.pop() ?? fork(fileURLToPath(new URL("load-process.ts", import.meta.url)));
  const answer = await new Promise<Measured | { failed: string }>((resolve) => {
    child.once("message", resolve);
    child.once("exit", (code) => resolve({ failed: `the load generator ended with ${code}` }));
    child.send(work);
  });
  child.removeAllListeners();
  if ("failed" in answer) {
    child.kill();
    throw new Error(`${work.urls[0]}: ${answer.failed}`);
  }
  idle.push(child);
  return answer;
}

/** Ends those that are left. */
export function endLoad(): void {
  for (const child of idle.splice(0)) child.kill();
}
