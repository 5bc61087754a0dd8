import { type Command, Option } from "commander";
import type { Rooms } from "#hub";
import { runningHub } from "#hub";
import { intakeErrors, listDeliveries, type ReplayOutcome, replayDeliveries } from "#intake";
import { type DeliveryId, DeliveryStatus, type DeliveryView, LetheError } from "#schemas";
import {
  command,
  controllersOf,
  count,
  group,
  isoTime,
  limitOf,
  uuidArgument,
  withRooms,
} from "./command.ts";
import { output, paint, progressBar, shortTime, table } from "./print.ts";

interface ListOptions {
  readonly controller?: string;
  readonly status?: DeliveryStatus;
  readonly connector?: string;
  readonly since?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

interface ReplayOptions extends ListOptions {
  readonly dryRun?: boolean;
}

export function deliveriesCommand(): Command {
  const commands = group("deliveries", "webhooks in the inbox", [
    "deliveries list --status failed",
    "deliveries replay --status failed --dry-run",
  ]);
  commands.addCommand(
    filtered(
      command("list", "list deliveries, newest first", [
        "deliveries list --status failed --connector shopify",
        "deliveries list --limit 10 --json",
      ]),
    )
      .option("--limit <n>", "at most so many", count)
      .action((options: ListOptions) =>
        withRooms(async (rooms) =>
          output(options.json === true, await find(rooms, { ...options, limit: limitOf(options) }), people),
        ),
      ),
  );
  commands.addCommand(
    command("show <delivery>", "show one delivery", ["deliveries show 0198…"], uuidArgument).action(
      (id: string, options: { json?: boolean }) =>
        withRooms(async (rooms) => {
          const [delivery] = await find(rooms, { ids: [id], limit: 1 });
          if (delivery === undefined) throw intakeErrors.unknownDelivery();
          output(options.json === true, delivery, (shown) =>
            table(
              Object.entries(shown).map(([field, value]) => ({ field, value })),
              "",
            ),
          );
        }),
    ),
  );
  commands.addCommand(
    filtered(
      command(
        "replay [deliveries...]",
        "process failed deliveries again",
        [
          "deliveries replay 0198… 0199…",
          "deliveries replay --status failed --since 2026-11-01 --connector stripe --dry-run",
        ],
        uuidArgument,
      ),
    )
      .option("--dry-run", "only say what would be replayed")
      .action((ids: string[], options: ReplayOptions) => withRooms((rooms) => replay(rooms, ids, options))),
  );
  return commands;
}

function filtered(list: Command): Command {
  return list
    .option("--controller <id>", "of one controller", uuidArgument)
    .addOption(new Option("--status <status>", "in this state").choices(DeliveryStatus.options))
    .option("--connector <name>", "from one platform")
    .option("--since <time>", "received at or after (ISO 8601)", isoTime);
}

async function find(
  rooms: Rooms,
  options: ListOptions & { limit: number; ids?: string[] },
): Promise<DeliveryView[]> {
  const { controller, json: _, ...filter } = options;
  const lists = await Promise.all(
    (await controllersOf(rooms, controller)).map(({ id }) =>
      rooms.database.inController(id, (tx) => listDeliveries(tx, filter)),
    ),
  );
  return lists
    .flat()
    .sort((a, b) => b.id.localeCompare(a.id))
    .slice(0, options.limit);
}

interface Replayed {
  readonly id: DeliveryId;
  readonly connector: string;
  readonly topic: string | null;
  readonly outcome: ReplayOutcome | "would_replay";
}

const BATCH = 1_000;

async function replay(rooms: Rooms, named: string[], options: ReplayOptions): Promise<void> {
  const ids = [...new Set(named)];
  const { controller, status, connector, since } = options;
  if (ids.length > 0 && [status, connector, since].some((filter) => filter !== undefined))
    throw new LetheError(
      "cli/ids-or-filters",
      "name deliveries, or choose them by --status, --connector and --since: not both",
    );
  if (ids.length === 0 && status !== "failed")
    throw new LetheError("cli/nothing-named", "name deliveries, or say --status failed for all that failed");
  const chosen = await find(
    rooms,
    ids.length > 0
      ? { ids, limit: ids.length, ...(controller === undefined ? {} : { controller }) }
      : { ...options, limit: limitOf({ json: true }) },
  );
  if (chosen.length < ids.length) throw intakeErrors.unknownDelivery();
  const bar = progressBar("replaying");
  const replayed: Replayed[] = [];
  for (const [controllerId, deliveries] of Map.groupBy(chosen, ({ controller }) => controller)) {
    for (let from = 0; from < deliveries.length; from += BATCH) {
      const batch = deliveries.slice(from, from + BATCH);
      const outcomes = await rooms.database.inController(controllerId, (tx) =>
        replayDeliveries(
          tx,
          batch.map(({ id }) => id),
          { dryRun: options.dryRun === true },
        ),
      );
      for (const { id, connector, topic } of batch) {
        const outcome = outcomes.get(id)?.outcome ?? "not_failed";
        replayed.push({
          id,
          connector,
          topic,
          outcome: outcome === "replayed" && options.dryRun === true ? "would_replay" : outcome,
        });
      }
      bar.update(replayed.length, chosen.length);
    }
  }
  bar.stop();
  output(options.json === true, replayed, (rows) => summary(rooms, rows, options.dryRun === true));
  if (replayed.some(({ outcome }) => outcome === "not_failed" || outcome === "payload_gone"))
    process.exitCode = 1;
}

const REFUSAL: Record<string, string> = {
  not_failed: "not replayed: it did not fail",
  payload_gone: "not replayed: its payload was shredded",
};

function summary(rooms: Rooms, rows: readonly Replayed[], dryRun: boolean): string {
  const going = rows.filter(({ outcome }) => outcome === "replayed" || outcome === "would_replay").length;
  const refused = rows
    .filter(({ outcome }) => outcome in REFUSAL)
    .map(({ id, outcome }) => `${id}  ${REFUSAL[outcome]}`);
  const waiting =
    !dryRun && going > 0 && runningHub(rooms.config.dataDir) === undefined
      ? " No hub runs on this data directory; they are processed when one starts."
      : "";
  return [
    `${dryRun ? "Would replay" : "Replaying"} ${going} of ${rows.length} deliveries.${waiting}`,
    ...refused,
  ].join("\n");
}

const STYLES = {
  received: "blue",
  processed: "green",
  ignored: "gray",
  failed: "red",
  expired: "yellow",
} as const;

function people(rows: readonly DeliveryView[]): string {
  return table(
    rows.map((row) => ({
      id: row.id,
      connector: row.connector,
      topic: row.topic,
      status: paint(STYLES[row.status], row.status),
      received: shortTime(row.receivedAt),
      attempts: row.attempts,
      error: row.error === null ? null : (row.error.split(": ")[0] ?? null),
    })),
    "No deliveries. Send one: lethe send shopify customers-create",
  );
}
