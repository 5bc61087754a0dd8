import { connectors } from "#connectors";
import { createApp, createMetrics, type HttpServer, listen } from "#http";
import { openDirectory, openDoor, openInbox } from "#intake";
import type { TestRooms } from "./rooms.ts";

/** The hub's HTTP door over real HTTP, without a runtime: deliveries stay in the inbox. */
export async function openTestDoor(
  rooms: TestRooms,
  options: {
    maxBody?: number;
    timeout?: number;
    refusalsPerMinute?: number;
    maxSignals?: number;
    proxies?: number;
    maxRights?: number;
    mails?: boolean;
  } = {},
): Promise<HttpServer> {
  const metrics = createMetrics(rooms.database);
  const door = openDoor({
    connectors,
    directory: openDirectory(rooms.database, rooms.ring),
    inbox: openInbox(rooms.database, { stored: () => {} }),
    refusalsPerMinute: options.refusalsPerMinute ?? 1_000,
    observe: metrics.observe,
  });
  const app = createApp({
    door,
    database: rooms.database,
    ring: rooms.ring,
    metrics,
    maxBody: options.maxBody ?? 2 * 1024 * 1024,
    maxSignals: options.maxSignals ?? 1_000,
    proxies: options.proxies ?? 0,
    maxRights: options.maxRights ?? 1_000,
    mails: options.mails ?? true,
    committed: () => {},
    url: () => server.url,
    ready: () => true,
    log: { error: () => {} },
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0, timeout: options.timeout ?? 10_000 });
  return server;
}
