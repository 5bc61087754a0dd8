import type { Expected, Forge, Forgery } from "./forgery.ts";
import { MAX_BODY } from "./site.ts";
import { bytesOf, chunked, type Wire } from "./wire.ts";

/**
 * Where one request ends and the next begins, said in ways that two programs may read in two ways (RFC 9112 §6.3, §11.2): with a
 * proxy in front of the hub, one request could hide in another. Refused, and nothing that follows on the connection is read.
 * What hides here is correctly signed, so that it would be seen if it were read.
 */
export const ambiguousFramings: Forge = (from) => {
  const { wire, again } = from;
  const { body } = wire;
  const { length } = body;
  const hidden = bytesOf(again({}));
  const raw = (what: string, expected: Expected, headers: Wire["headers"], content: Uint8Array): Forgery => ({
    kind: `framing: ${what}`,
    expected,
    wire: bytesOf({ ...wire, headers: [...wire.headers, ...headers], body: content }),
  });
  const asText = (what: string, expected: Expected, change: (text: string) => string): Forgery => ({
    kind: `framing: ${what}`,
    expected,
    wire: Buffer.from(change(bytesOf(wire).toString("latin1")), "latin1"),
  });
  const te = (value: string): [string, string] => ["Transfer-Encoding", value];
  const cl = (value: string | number): [string, string] => ["Content-Length", String(value)];
  const ended = Buffer.concat([Buffer.from("0\r\n\r\n"), hidden]);
  const whole = chunked(body, 100);
  const large = Buffer.concat([body, Buffer.alloc(2 * MAX_BODY, 32)]);
  const sized = (size: string) =>
    Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from("\r\n0\r\n\r\n"), hidden]);
  const hex = length.toString(16);
  return [
    raw("in chunks", "repeated", [te("chunked")], whole),
    raw("a byte a chunk", "repeated", [te("chunked")], chunked(body, 1)),
    raw("in chunks, too large", "refused", [te("chunked")], chunked(large, 16_384)),
    raw("too large a length, and nothing of it", "refused", [cl(1e9)], Buffer.alloc(0)),
    raw("length and chunks", "refused", [cl(length), te("chunked")], whole),
    raw("chunks, and a length of less", "refused", [te("chunked"), cl(5)], ended),
    raw("a length, and chunks before the end", "refused", [cl(5 + hidden.length), te("chunked")], ended),
    raw("chunks of another name", "refused", [te("xchunked")], ended),
    raw("no encoding", "refused", [te("identity"), cl(length)], body),
    raw("chunks and no encoding", "refused", [te("chunked, identity")], ended),
    raw("chunks twice", "refused", [te("chunked"), te("chunked")], ended),
    raw("chunks and nonsense", "refused", [te("chunked"), te("x")], ended),
    raw("chunks after a vertical tab", "refused", [te("\u000bchunked")], ended),
    raw("chunks, folded", "refused", [te("\r\n chunked")], ended),
    raw("chunks, a space before the colon", "refused", [["Transfer-Encoding ", "chunked"]], ended),
    raw("chunks in the other case", "harmless", [te("CHUNKED")], whole),
    raw("compressed, in chunks", "harmless", [te("gzip, chunked")], whole),
    raw("two lengths", "refused", [cl(length), cl(0)], body),
    raw("two equal lengths", "refused", [cl(length), cl(length)], body),
    raw("a list of lengths", "refused", [cl(`${length}, ${length}`)], body),
    ...["+1", "-1", "0x10", "1 1", "9".repeat(30), "1e1", "", "1;2", "١"].map((value) =>
      raw(`a length of ${JSON.stringify(value)}`, "refused", [cl(value)], body),
    ),
    raw("a length with zeros before it", "harmless", [cl(`000${length}`)], body),
    // Where the body is not signed, that is a request of its own; and the sender's mistake is all that it hears of.
    ...(from.signsBody
      ? [
          raw(
            "less than its length, and another after it",
            "refused",
            [cl(length - 1)],
            Buffer.concat([body, hidden]),
          ),
        ]
      : []),
    ...[`-${hex}`, `0x${hex}`, `${hex}g`, "f".repeat(20), `${hex} x`, ""].map((size, index) =>
      raw(`a chunk's size, wrongly (${index})`, "refused", [te("chunked")], sized(size)),
    ),
    raw("a chunk that says less than it has", "refused", [te("chunked")], sized((length - 1).toString(16))),
    raw("a trailer with a signature", "repeated", [te("chunked")], trailed(whole, wire)),
    asText("line feeds alone", "refused", (text) =>
      text.replace(/^[\s\S]*?\r\n\r\n/, (head) => head.replaceAll("\r\n", "\n")),
    ),
    asText("a carriage return alone", "refused", (text) => text.replace("\r\nHost", "\rHost")),
    asText("HTTP/0.9", "harmless", (text) => text.replace(" HTTP/1.1", "")),
    asText("HTTP/1.0", "harmless", (text) => text.replace(" HTTP/1.1", " HTTP/1.0")),
    asText("HTTP/2.0", "harmless", (text) => text.replace(" HTTP/1.1", " HTTP/2.0")),
    asText("HTTP/9.9", "refused", (text) => text.replace(" HTTP/1.1", " HTTP/9.9")),
    asText("no host", "refused", (text) => text.replace(/Host: [^\r]*\r\n/, "")),
    asText("two hosts", "harmless", (text) => text.replace("\r\nHost:", "\r\nHost: evil.example\r\nHost:")),
    asText("spaces in the first line", "refused", (text) => text.replace("POST ", "POST  x ")),
    asText("no request at all", "refused", () => "\0\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc"),
    asText("HTTP/2's first line", "refused", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    asText("a request for a tunnel", "refused", (text) =>
      text.replace(/^POST \S+/, "CONNECT hub.example.com:443"),
    ),
    asText("an upgrade", "harmless", (text) =>
      text.replace("Connection: close", "Connection: upgrade\r\nUpgrade: h2c"),
    ),
    asText("an expectation", "repeated", (text) =>
      text.replace("Connection: close", "Connection: close\r\nExpect: 100-continue"),
    ),
    asText("an expectation of nonsense", "refused", (text) =>
      text.replace("Connection: close", "Connection: close\r\nExpect: 200-ok"),
    ),
  ];
};

/** What comes after a body is no header: a proof that is only there proves nothing, and one there takes nothing away. */
function trailed(whole: Buffer, { headers }: Wire): Buffer {
  const trailer = headers.map(([name]) => `${name}: x\r\n`).join("");
  return Buffer.concat([whole.subarray(0, -2), Buffer.from(`${trailer}\r\n`)]);
}
