import type { IncomingMessage } from "node:http";
import { intakeErrors } from "#intake";

/** Reads bodies that nobody has verified yet. */
export interface BodyReader {
  /** The raw bytes. Throws `intake/too-large` as soon as they exceed the limit, `intake/busy` when all bodies together exceed theirs. */
  read(incoming: IncomingMessage): Promise<Uint8Array>;
  /** The request is answered: its bytes count no more. */
  done(incoming: IncomingMessage): void;
}

/** `limit` in bytes for one body; `budget` for all that are in memory at a time, so that nobody can fill it. */
export function createBodyReader(limit: number, budget: number): BodyReader {
  const sizes = new Map<IncomingMessage, number>();
  let held = 0;

  return { read, done };

  function read(incoming: IncomingMessage): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const chunks: Uint8Array[] = [];
    let size = 0;
    let dropped = false;
    if (Number(incoming.headers["content-length"] ?? 0) > limit) drop(intakeErrors.tooLarge(limit));
    incoming.on("data", (chunk: Uint8Array) => {
      if (dropped) return;
      size += chunk.length;
      if (size > limit) return drop(intakeErrors.tooLarge(limit));
      held += chunk.length;
      sizes.set(incoming, size);
      if (held > budget) return drop(intakeErrors.busy());
      chunks.push(chunk);
    });
    incoming.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    incoming.on("error", () => drop(intakeErrors.cutOff()));
    return promise;

    function drop(error: Error): void {
      dropped = true;
      chunks.length = 0;
      reject(error);
    }
  }

  function done(incoming: IncomingMessage): void {
    held -= sizes.get(incoming) ?? 0;
    sizes.delete(incoming);
  }
}
