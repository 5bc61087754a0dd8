/** A webhook request as it came in: raw bytes, nothing parsed. */
export interface WebhookRequest {
  readonly method: string;
  /** The URL that the platform called, as it knows it: some platforms sign it. */
  readonly url: string;
  /** A header's value by lower-case name; several of one name are joined by ", " (RFC 9110 §5.3). */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** A request from plain values: for fixtures, tests and `lethe send`. */
export function webhookRequest(parts: {
  method?: string;
  /** Absolute, or only path and query. */
  url?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}): WebhookRequest {
  const headers = new Map(
    Object.entries(parts.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    method: parts.method ?? "POST",
    url: new URL(parts.url ?? "/", "https://hub.example.com").href,
    header: (name) => headers.get(name),
    body: typeof parts.body === "string" ? Buffer.from(parts.body, "utf8") : (parts.body ?? new Uint8Array()),
  };
}
