import { startSequencer } from "#audit";
import type { Config } from "#config";
import { createApp, createMetrics, listen } from "#http";
import { CONNECTIONS_CHANGED, type Door, openDirectory, openDoor, openInbox } from "#intake";
import type { Log } from "#log";
import { createMailer, type Mailer } from "#rights";
import { createEmbeddedRuntime, createInngestRuntime, type ObservedRun, type Runtime } from "#runtime";
import { startTracing } from "#telemetry";
import { KEYS_CHANGED } from "#vault";
import { defineWorkflows } from "#workflows";
import { closeParts, type Part } from "./closing.ts";
import { lockDataDir } from "./lock.ts";
import { outsideOf, witnessFile } from "./outside.ts";
import { openRooms, type Rooms } from "./rooms.ts";

export interface Hub {
  readonly url: string;
  readonly rooms: Rooms;
  /** Stops taking, finishes what is in hand, seals the log, stops the database. */
  stop(): Promise<void>;
}

/** Milliseconds after a stop began by which each part is closed, in that order: an operator waits ten seconds. */
const CLOSED_BY = { door: 3_500, workflows: 5_000, log: 7_000, database: 9_000 };
/** Milliseconds of the workflows' time in which what they could not finish is handed back. */
const HAND_BACK = 500;
/** Milliseconds in which the last traces are sent, or lost. */
const LAST_TRACES = 1_500;

/** When a platform that takes changes and carries them out later is asked what it holds, in milliseconds. */
const READ_BACK = [30_000, 600_000];

const HOUR = 3_600_000;
/** When a platform that was asked for an erasure is looked at: some take seconds, Shopify ten days, Stripe's jobs up to thirty. */
const LOOK_AGAIN = [
  2_000,
  60_000,
  600_000,
  HOUR,
  ...[6, 24, 48, 96, 120, 168, 168].map((hours) => hours * HOUR),
];

/** Starts the hub: lock, database, audit sequencer, workflows, door. */
export async function startHub(config: Config, log: Log): Promise<Hub> {
  const lock = lockDataDir(config.dataDir);
  const parts: Part[] = [{ name: "the lock", by: CLOSED_BY.database, close: lock.release }];
  try {
    if (config.traces !== undefined) parts.push(await traceTo(config.traces, log));
    const rooms = await openRooms(config);
    parts.push({ name: "the database", by: CLOSED_BY.database, close: rooms.close });
    const sequencer = startSequencer({
      database: rooms.database,
      ring: rooms.ring,
      witness: witnessFile(config.dataDir),
      onError: (fault) => log.warn(fault, "the audit log could not be sealed; trying again"),
    });
    parts.push({ name: "the audit log", by: CLOSED_BY.log, close: sequencer.stop });
    let door: Door | undefined;
    let address = "";
    const url = () => config.publicUrl ?? address;
    const mailer = config.mail && createMailer(config.mail);
    if (mailer !== undefined)
      parts.push({ name: "the mail server", by: CLOSED_BY.workflows, close: mailer.close });
    const metrics = createMetrics(rooms.database);
    const runtime = createRuntime(rooms, log, sequencer.wake, () => door?.crowded() ?? false, {
      ...{ mailer, url },
      observeRun: metrics.observeRun,
    });
    parts.push({
      name: "the workflows",
      by: CLOSED_BY.workflows,
      close: (left) => runtime.stop(Math.max(0, left - HAND_BACK)),
    });
    await runtime.start();
    const directory = openDirectory(rooms.database, rooms.ring);
    await rooms.database.listen(CONNECTIONS_CHANGED, directory.clear);
    await rooms.database.listen(KEYS_CHANGED, rooms.ring.refresh);
    door = openDoor({
      connectors: rooms.connectors,
      directory,
      inbox: openInbox(rooms.database, { stored: runtime.wake }),
      refusalsPerMinute: config.maxRefusals,
      observe: metrics.observe,
    });
    const { database, ring } = rooms;
    const app = createApp({
      door,
      database,
      ring,
      metrics,
      log,
      maxBody: config.maxBody,
      maxSignals: config.maxSignals,
      proxies: config.proxies,
      committed: () => {
        runtime.wake();
        sequencer.wake();
      },
      ...{ url, maxRights: config.maxRights, mails: mailer !== undefined },
      ready: runtime.ready,
      runtimeRoutes: runtime.routes,
    });
    const server = await listen(app, {
      host: config.host,
      port: config.port,
      timeout: config.requestTimeout,
    });
    address = server.url;
    parts.push({ name: "the door", by: CLOSED_BY.door, close: server.stop });
    lock.announce(server.url);
    return { url: server.url, rooms, stop: () => closeParts(parts) };
  } catch (error) {
    await closeParts(parts).catch(() => {}); // why it did not start says more
    throw error;
  }
}

function createRuntime(
  rooms: Rooms,
  log: Log,
  committed: () => void,
  giveWay: () => boolean,
  {
    observeRun,
    ...reach
  }: {
    readonly mailer: Mailer | undefined;
    readonly url: () => string;
    readonly observeRun: (observed: ObservedRun) => void;
  },
): Runtime {
  const { database, ring, connectors, controllers, config } = rooms;
  const options = {
    ...{ database, log, observeRun },
    workflows: (client: Parameters<typeof defineWorkflows>[0]) =>
      defineWorkflows(client, {
        ...{ database, ring, connectors, controllers, committed, log },
        outside: outsideOf(rooms),
        replayDays: config.replayDays,
        readBackAfter: READ_BACK,
        rights: {
          ...{ ...reach, privacyTeam: config.privacyTeam, retentionYears: config.retentionYears },
          ...{ backupDays: config.backupDays, readBackAfter: LOOK_AGAIN },
        },
      }),
  };
  return config.runtime.kind === "embedded"
    ? createEmbeddedRuntime({ ...options, giveWay })
    : createInngestRuntime({ ...options, ...config.runtime });
}

async function traceTo(url: string, log: Log): Promise<Part> {
  const tracing = await startTracing({
    url,
    onError: () => log.warn({ code: "telemetry/not-sent" }, "traces could not be sent; they are lost"),
  });
  return {
    name: "the traces",
    by: CLOSED_BY.database,
    close: (left) => tracing.stop(Math.min(left / 2, LAST_TRACES)),
  };
}
