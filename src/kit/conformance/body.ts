import { type Case, mustBeRefused } from "./case.ts";

/** Bytes of a body that are changed one by one; of a longer one as many, evenly spread. */
const FLIPPED = 4096;

/** Every way in which somebody on the way could touch a body that the platform signed. */
export function changedBodies(tried: Case): string[] {
  const { parts } = tried;
  const faults: string[] = [];
  const refuse = (what: string, body: Uint8Array) => {
    if (!Buffer.from(body).equals(parts.body)) faults.push(...mustBeRefused(tried, what, { ...parts, body }));
  };
  const { length } = parts.body;
  const step = Math.max(1, length / FLIPPED);
  for (let at = 0; at < length; at += step) {
    const index = Math.floor(at);
    for (const bit of [0x01, 0x80]) {
      const body = Uint8Array.from(parts.body);
      body[index] = (body[index] ?? 0) ^ bit;
      refuse(`byte ${index} changed`, body);
    }
  }
  for (const [what, body] of rewritten(parts.body)) refuse(what, body);
  return faults;
}

function* rewritten(body: Uint8Array): Generator<[string, Uint8Array]> {
  const text = Buffer.from(body).toString("utf8");
  const bytes = (...pieces: (string | Uint8Array)[]) =>
    Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
  yield ["its last byte cut off", body.subarray(0, -1)];
  yield ["its first byte cut off", body.subarray(1)];
  yield ["its second half cut off", body.subarray(0, body.length >> 1)];
  yield ["emptied", new Uint8Array()];
  for (const more of ["\n", " ", "\0", "}", "&a=b"])
    yield [`extended by ${JSON.stringify(more)}`, bytes(body, more)];
  yield ["twice", bytes(body, body)];
  yield ["after a byte order mark", bytes("\ufeff", body)];
  yield ["as UTF-16", bytes("\ufeff", Buffer.from(text, "utf16le"))];
  yield ["with CRLF line ends", bytes(text.replace(/\r?\n/g, "\r\n"))];
  yield ["percent-encoded anew", bytes(text.replaceAll("+", "%20"))];
  for (const indent of [0, 1, 2, 4]) {
    const json = reserialised(text, indent);
    if (json !== undefined) yield [`as JSON written anew (indent ${indent})`, bytes(json)];
  }
}

function reserialised(text: string, indent: number): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, indent);
  } catch {
    return undefined;
  }
}
