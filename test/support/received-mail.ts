/** A mail as it arrived, read back from its bytes (RFC 5322, RFC 2045). */
export interface ReceivedMail {
  /** The addresses of the envelope. */
  readonly from: string;
  readonly to: readonly string[];
  /** By lower-case name; a header that stands there twice has both values. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly raw: string;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  readonly user: string | undefined;
}

/** Reads a mail of text, or of text and HTML, as nodemailer writes them. */
export function readMail(
  raw: string,
  envelope: Pick<ReceivedMail, "from" | "to" | "secure" | "user">,
): ReceivedMail {
  const { headers, body } = partOf(raw);
  const boundary = /boundary="([^"]+)"/.exec(first(headers, "content-type"))?.[1];
  const parts =
    boundary === undefined
      ? [{ headers, body }]
      : body
          .split(`--${boundary}`)
          .slice(1, -1)
          .map((part) => partOf(part.replace(/^\r\n/, "")));
  const of = (type: string) => {
    const part = parts.find(({ headers }) => first(headers, "content-type").startsWith(type));
    return part === undefined ? "" : decoded(part.body, first(part.headers, "content-transfer-encoding"));
  };
  const subject = first(headers, "subject").replace(ENCODED_WORD, (_, kind: string, text: string) =>
    decoded(kind === "B" ? text : text.replaceAll("_", " "), kind === "B" ? "base64" : "quoted-printable"),
  );
  return { ...envelope, headers, subject, text: of("text/plain"), html: of("text/html"), raw };
}

/** RFC 2047, with the space between two of them, which is none. */
const ENCODED_WORD = /=\?UTF-8\?([BQ])\?([^?]*)\?=(?:\s+(?==\?))?/gi;

function partOf(text: string): { headers: Map<string, string[]>; body: string } {
  const end = text.indexOf("\r\n\r\n");
  const headers = new Map<string, string[]>();
  for (const line of text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n")) {
    const [name = "", ...value] = line.split(":");
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value.join(":").trim()]);
  }
  return { headers, body: text.slice(end + 4) };
}

function first(headers: ReadonlyMap<string, readonly string[]>, name: string): string {
  return headers.get(name)?.[0] ?? "";
}

function decoded(body: string, encoding: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  const bytes =
    encoding === "quoted-printable"
      ? body
          .replace(/=\r\n/g, "")
          .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      : body;
  return Buffer.from(bytes, "latin1").toString("utf8").replaceAll("\r\n", "\n");
}
