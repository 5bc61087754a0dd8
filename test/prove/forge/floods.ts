import { setTimeout as sleep } from "node:timers/promises";
import type { Genuine } from "./genuine.ts";
import { REQUEST_TIMEOUT } from "./site.ts";
import { bytesOf, trickle } from "./wire.ts";

export interface Flood {
  readonly connections: number;
  /** Milliseconds that the longest of them was open. */
  readonly longest: number;
  /** How many were open still when they should long have been cut. */
  readonly left: number;
}

/** Milliseconds beyond the limit in which a connection must be cut: Node looks every second, and the machine may be busy. */
const GRACE = 6_000;
/** Milliseconds between two bytes. */
const PACE = 250;

/**
 * Connections that each hold on to the hub: nothing said, heads and bodies that come a byte at a time, bodies that end before their
 * length does. All at once; each must be cut within the limit for requests.
 */
export async function flood(port: number, from: Genuine, each: number, done: () => boolean): Promise<Flood> {
  const whole = bytesOf(from.wire);
  const head = whole.indexOf("\r\n\r\n") + 4;
  const ways: { readonly sent: Uint8Array; readonly rest: Uint8Array }[] = [
    { sent: Buffer.alloc(0), rest: Buffer.alloc(0) },
    { sent: whole.subarray(0, 20), rest: whole.subarray(20, head - 4) },
    { sent: whole.subarray(0, 20), rest: Buffer.from("x-a: b\r\n".repeat(100)) },
    { sent: whole.subarray(0, head), rest: whole.subarray(head, -1) },
    { sent: whole.subarray(0, -1), rest: Buffer.alloc(0) },
    {
      sent: Buffer.from(`POST ${from.wire.target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`),
      rest: Buffer.from("1\r\nx\r\n".repeat(100)),
    },
  ];
  const limit = REQUEST_TIMEOUT + GRACE;
  const open = ways.flatMap(({ sent, rest }) =>
    Array.from({ length: each }, () => ({
      ...trickle(port),
      sent,
      rest,
      at: 0,
      over: undefined as number | undefined,
    })),
  );
  for (const one of open) {
    one.socket.write(one.sent);
    void one.closed.then((after) => (one.over = after));
  }
  for (const began = performance.now(); performance.now() - began < limit; await sleep(PACE)) {
    const left = open.filter(({ over }) => over === undefined);
    if (left.length === 0 || done()) break;
    for (const one of left)
      if (one.at < one.rest.length) {
        one.socket.write(one.rest.subarray(one.at, one.at + 1));
        one.at += 1;
      }
  }
  const left = open.filter(({ over }) => over === undefined);
  for (const { socket } of left) socket.destroy();
  return {
    connections: open.length,
    longest: Math.round(Math.max(0, ...open.map(({ over }) => over ?? limit))),
    left: done() ? 0 : left.length,
  };
}
