import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface TraceReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** What came, an export a line. */
  received(): string;
  stop(): Promise<void>;
}

/** A collector that takes traces (OTLP over HTTP) and keeps them as they came. Everything else is answered and forgotten. */
export async function receiveTraces(): Promise<TraceReceiver> {
  let received = "";
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.url === "/v1/traces") received += `${Buffer.concat(chunks).toString("utf8")}\n`;
    response.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
