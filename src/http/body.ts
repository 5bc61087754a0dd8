import { intakeErrors } from "#intake";

/** The raw bytes of a body, or `intake/too-large` as soon as it is known to exceed the limit. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? "0");
  if (declared > limit) throw intakeErrors.tooLarge(limit);
  if (request.body === null) return new Uint8Array();
  // A declared length is enforced by the HTTP parser; only a chunked body has to be counted.
  if (request.headers.has("content-length")) return new Uint8Array(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > limit) throw intakeErrors.tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
