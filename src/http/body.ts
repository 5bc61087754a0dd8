import type { IncomingMessage } from "node:http";
import { intakeErrors } from "#intake";

/** The raw bytes of a body, or `intake/too-large` as soon as it is known to exceed the limit. */
export function readBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  if (Number(incoming.headers["content-length"] ?? 0) > limit) reject(intakeErrors.tooLarge(limit));
  const chunks: Uint8Array[] = [];
  let size = 0;
  incoming.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else reject(intakeErrors.tooLarge(limit));
  });
  incoming.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  incoming.on("error", () => reject(intakeErrors.cutOff()));
  return promise;
}
