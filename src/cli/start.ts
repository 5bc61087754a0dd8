import type { Command } from "commander";
import { type Config, readConfig } from "#config";
import { type Hub, startHub } from "#hub";
import { createLog, type Log } from "#log";
import { describeError } from "#schemas";
import { command } from "./command.ts";
import { paint } from "./print.ts";
import { playSandbox } from "./sandbox.ts";

export function startCommand(): Command {
  return command("start", "run the hub", [
    "start",
    "PORT=9000 LETHE_DATA_DIR=/var/lib/lethe lethe start",
  ]).action(async () => {
    const config = readConfig(process.env);
    const log = createLog(config.logLevel);
    const began = performance.now();
    const signal = firstSignal();
    const hub = await startHub(config, log);
    log.info(
      {
        url: hub.url,
        runtime: config.runtime.kind,
        embedded: hub.rooms.embedded,
        migrated: hub.rooms.migrated,
        milliseconds: Math.round(performance.now() - began),
      },
      "ready",
    );
    for (const { from, ...why } of hub.rooms.refusedConnectors)
      log.error({ connector: from, ...why }, "a connector is refused; the hub runs without it");
    // The hub takes webhooks by now: it goes on even if the database is away at this moment.
    await welcome(hub, config, log).catch((error: unknown) =>
      log.warn(describeError(error), "the hub runs, but could not look at its controllers"),
    );
    log.info({ signal: await signal }, "stopping: finishing what is in hand");
    await hub.stop();
    log.info({}, "stopped");
  });
}

async function welcome(hub: Hub, config: Config, log: Log): Promise<void> {
  const controllers = await hub.rooms.controllers();
  warn(config, hub.rooms.master, controllers, log);
  // A new version may have migrations of its own: whoever upgrades has controllers.
  if (hub.rooms.embedded && hub.rooms.migrated > 0 && controllers.length === 0) await playSandbox(hub);
  else process.stdout.write(`Lethe is ready at ${paint("cyan", hub.url)}\n`);
}

/** One that comes while the hub starts counts too; a second changes nothing: the first is already being obeyed. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => resolve(name));
  });
}

function warn(
  config: Config,
  master: { source: string },
  controllers: readonly { environment: string }[],
  log: Log,
): void {
  if (config.masterKey === undefined && controllers.some(({ environment }) => environment === "live"))
    log.warn(
      { message: master.source },
      "a live controller's keys are wrapped under a master key that lies in the data directory; keep it elsewhere and set LETHE_MASTER_KEY",
    );
}
