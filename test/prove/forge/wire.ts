import { connect, type Socket } from "node:net";

/** A request as it goes over the wire: whatever a polite client would forbid can be said. */
export interface Wire {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** What came back on one connection. */
export interface Exchange {
  /** Statuses in the order of the answers. Several only if one connection carried several requests, wanted or not. */
  readonly statuses: readonly number[];
  /** Codes of the problem documents among them. */
  readonly codes: readonly string[];
  /** Ids of deliveries that were answered as accepted. */
  readonly accepted: readonly string[];
  /** How many were answered as duplicates. */
  readonly duplicates: number;
  /** Whether the hub closed the connection before we lost patience. */
  readonly closed: boolean;
  /** Milliseconds until the last byte of an answer came; until the end if none did. */
  readonly took: number;
}

/** Milliseconds after which we hang up. */
const PATIENCE = 15_000;

/** The request's bytes; its headers in UTF-8, as a careless program writes them. Its length, unless a header says how it is framed. */
export function bytesOf({ method, target, headers, body }: Wire): Buffer {
  const named = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
  const framed = named("content-length") || named("transfer-encoding");
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(named("host") ? [] : ["Host: hub.example.com"]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(framed ? [] : [`Content-Length: ${body.length}`]),
    ...(named("connection") ? [] : ["Connection: close"]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "utf8"), body]);
}

/** The body in chunks of so many bytes (RFC 9112 §7.1). */
export function chunked(body: Uint8Array, size: number): Buffer {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat([...pieces, Buffer.from("0\r\n\r\n")]);
}

/**
 * Sends bytes on a connection of their own, and reads what is answered until the hub closes it. `quiet`: milliseconds without
 * another byte after which we hang up, for a connection that an ambiguous request may leave open.
 */
export function exchange(port: number, bytes: Uint8Array, quiet?: number): Promise<Exchange> {
  return new Promise((resolve) => {
    const began = performance.now();
    const chunks: Buffer[] = [];
    let last: number | undefined;
    let closed = true;
    let hush: NodeJS.Timeout | undefined;
    const socket = connect(port, "127.0.0.1");
    const hangUp = () => {
      closed = false;
      socket.destroy();
    };
    const patience = setTimeout(hangUp, PATIENCE);
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      last = performance.now();
      clearTimeout(hush);
      // An interim answer is none yet.
      if (quiet !== undefined && read(Buffer.concat(chunks).toString("latin1"), false, 0).statuses.length > 0)
        hush = setTimeout(hangUp, quiet);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(patience);
      clearTimeout(hush);
      resolve(read(Buffer.concat(chunks).toString("latin1"), closed, (last ?? performance.now()) - began));
    });
    socket.write(bytes);
  });
}

function read(text: string, closed: boolean, took: number): Exchange {
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);
  return {
    statuses: all(/^HTTP\/1\.1 (\d{3}) /gm)
      .map(Number)
      .filter((status) => status >= 200),
    codes: all(/"code":"([^"]+)"/g),
    accepted: all(/"status":"accepted","delivery":"([^"]+)"/g),
    duplicates: all(/"status":"(duplicate)"/g).length,
    closed,
    took,
  };
}

/** A connection that is opened and written to by hand; what it is answered is kept. */
export interface Trickle {
  readonly socket: Socket;
  /** Milliseconds that it was open, once it was closed. */
  readonly closed: Promise<number>;
}

export function trickle(port: number): Trickle {
  const began = performance.now();
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.on("data", () => {});
  const closed = new Promise<number>((resolve) =>
    socket.on("close", () => resolve(performance.now() - began)),
  );
  return { socket, closed };
}
