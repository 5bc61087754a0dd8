import { setTimeout as sleep } from "node:timers/promises";
import type { Expected, Request } from "./traffic.ts";

/** What was sent in a window. */
export interface Window {
  /** Requests that were answered. */
  readonly requests: number;
  readonly accepted: number;
  /** Accepted ones whose payload is at fault. */
  readonly failing: number;
  /** Milliseconds of an answer. */
  readonly p50: number;
  readonly p99: number;
  /** Answers that were not the expected one, by what was sent. */
  readonly wrong: readonly string[];
}

const SENDERS = 8;
/** Milliseconds that a platform waits. */
const PATIENCE = 30_000;

/** Sends for so many milliseconds, and so many requests at least: so many a second, or as many as there are answers for. */
export async function sendFor(
  traffic: { next(): Request; acknowledged(request: Request): void },
  extent: { milliseconds: number; requests: number; perSecond: number | undefined },
): Promise<Window> {
  const { milliseconds, requests, perSecond } = extent;
  const times: number[] = [];
  const wrong: string[] = [];
  const began = performance.now();
  let begun = 0;
  let accepted = 0;
  let failing = 0;
  const send = async () => {
    for (;;) {
      const due = perSecond === undefined ? 0 : (begun * 1_000) / perSecond;
      const elapsed = performance.now() - began;
      if (begun >= requests && Math.max(due, elapsed) > milliseconds) return;
      begun += 1;
      if (due > elapsed + 1) await sleep(due - elapsed);
      await one(traffic.next());
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(times.length * share) - 1] ?? Number.NaN;
  return { requests: times.length, accepted, failing, p50: at(0.5), p99: at(0.99), wrong };

  async function one(request: Request): Promise<void> {
    const started = performance.now();
    const answer = await fetch(request.url, { ...request.init, signal: AbortSignal.timeout(PATIENCE) })
      .then(async (response) => ({ status: response.status, text: await response.text() }))
      .catch((error: Error) => ({ status: 0, text: error.name }));
    times.push(performance.now() - started);
    const kind = answer.status === 200 ? kindOf(answer.text) : undefined;
    if (!isExpected(request.expected, answer.status, kind))
      wrong.push(`${request.what} was answered with ${answer.status} ${kind ?? ""}`.trimEnd());
    if (kind !== "accepted") return;
    accepted += 1;
    if (request.expected.fails === true) failing += 1;
    traffic.acknowledged(request);
  }
}

function isExpected(expected: Expected, status: number, kind: string | undefined): boolean {
  return (
    expected.statuses.includes(status) &&
    (expected.kind === undefined || status !== 200 || expected.kind === kind)
  );
}

function kindOf(text: string): string | undefined {
  return /^\{"status":"(\w+)"/.exec(text)?.[1];
}
