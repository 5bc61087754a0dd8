import { readFileSync } from "node:fs";
import type { Command } from "commander";
import {
  controllerErrors,
  createConnection,
  listConnections,
  removeConnection,
  rotateSecret,
  updateConnection,
} from "#controllers";
import type { Rooms } from "#hub";
import type { Connector } from "#kit";
import { type ConnectionId, type ConnectionView, type ControllerId, LetheError } from "#schemas";
import {
  baseUrl,
  command,
  controllersOf,
  count,
  group,
  secretValue,
  uuidArgument,
  withRooms,
} from "./command.ts";
import { output, shortTime, table } from "./print.ts";

interface AddOptions {
  readonly controller: string;
  readonly account?: string;
  readonly secret: string;
  readonly credentials?: string;
  readonly configuration?: string;
  readonly region?: string;
  readonly json?: boolean;
}

interface UpdateOptions {
  readonly purposes?: string;
  readonly credentials?: string;
  readonly configuration?: string;
  readonly json?: boolean;
}

export function connectionCommand(): Command {
  const commands = group("connection", "connections of controllers to platforms", ["connection list"]);
  commands.addCommand(
    command("add <connector>", "connect a controller to a platform", [
      "connection add shopify --controller 4f0c… --account acme.myshopify.com --secret -  < client-secret.txt",
      "connection add stripe --controller 4f0c… --secret whsec_… --credentials stripe.json",
      "connection add generic --controller 4f0c… --secret - --configuration mapping.json",
    ])
      .requiredOption("--controller <id>", "the controller", uuidArgument)
      .option(
        "--account <account>",
        "the platform account that requests must be for (shop domain, account id, list id)",
      )
      .requiredOption("--secret <secret>", "the platform's webhook secret; - reads it from standard input")
      .option("--credentials <file>", "a JSON file with what the platform's API needs")
      .option(
        "--configuration <file>",
        "a JSON file that says how the platform signs and what it sends, for the generic connector",
      )
      .option("--region <country>", "where phone numbers without a country code are from, e.g. DE")
      .action((connectorId: string, options: AddOptions) =>
        withRooms((rooms) => add(rooms, connectorId, options)),
      ),
  );
  commands.addCommand(
    command("list", "list connections and their webhook URLs", ["connection list --json"])
      .option("--controller <id>", "of one controller", uuidArgument)
      .action((options: { controller?: string; json?: boolean }) =>
        withRooms(async (rooms) => {
          output(options.json === true, await allConnections(rooms, options.controller), (rows) =>
            table(
              rows.map((row) => ({
                id: row.id,
                connector: row.connector,
                account: row.account,
                status: row.status,
                url: row.url,
                created: shortTime(row.createdAt),
              })),
              "There are no connections yet. Add one: lethe connection add <connector> --controller <id> --secret -",
            ),
          );
        }),
      ),
  );
  commands.addCommand(
    command(
      "update <connection>",
      "replace what a connection calls its platform's API with, how it is configured, or which lists there are which purposes",
      [
        "connection update 7d1e… --credentials quickbooks.json",
        "connection update 7d1e… --purposes topics.json",
      ],
      uuidArgument,
    )
      .option("--credentials <file>", "a JSON file with what the platform's API needs")
      .option("--configuration <file>", "a JSON file, for the generic connector")
      .option(
        "--purposes <file>",
        'a JSON file that says which of your lists there are which purposes, such as {"topic_7": "product_news"}',
      )
      .action((id: string, options: UpdateOptions) => withRooms((rooms) => update(rooms, id, options))),
  );
  commands.addCommand(
    command(
      "rotate-secret <connection>",
      "set a new webhook secret; the old one still counts for a while",
      ["connection rotate-secret 7d1e… --secret - --keep-hours 24  < new-secret.txt"],
      uuidArgument,
    )
      .requiredOption("--secret <secret>", "the new secret; - reads it from standard input")
      .option("--keep-hours <hours>", "how long the old secret still counts", count, 24)
      .action((id: string, options: { secret: string; keepHours: number; json?: boolean }) =>
        withRooms(async (rooms) => {
          const target = await findConnection(rooms, id);
          await rotateSecret(
            rooms.database,
            rooms.ring,
            connectorOf(rooms, target.connector),
            target,
            await secretValue(options.secret),
            options.keepHours,
          );
          output(
            options.json === true,
            { id, rotated: true, keepHours: options.keepHours },
            () => `The new secret counts now; the old one for ${options.keepHours} more hours.`,
          );
        }),
      ),
  );
  commands.addCommand(
    command(
      "remove <connection>",
      "close a connection; its records stay",
      ["connection remove 7d1e…"],
      uuidArgument,
    ).action((id: string, options: { json?: boolean }) =>
      withRooms(async (rooms) => {
        await removeConnection(rooms.database, rooms.ring, await findConnection(rooms, id));
        output(
          options.json === true,
          { id, removed: true },
          () => "Removed. Its URL answers 404 from now on; its records stay.",
        );
      }),
    ),
  );
  return commands;
}

async function add(rooms: Rooms, connectorId: string, options: AddOptions): Promise<void> {
  const connector = connectorOf(rooms, connectorId);
  const [controller] = await controllersOf(rooms, options.controller);
  if (controller === undefined) throw controllerErrors.unknown(options.controller);
  const settings = {
    account: options.account,
    region: options.region,
    secret: await secretValue(options.secret),
    credentials: readJson(options.credentials),
    configuration: readJson(options.configuration),
  };
  const { secretUrl, ...view } = await createConnection(
    rooms.database,
    rooms.ring,
    connector,
    controller.id,
    settings,
    baseUrl(rooms.config),
  );
  output(
    options.json === true,
    { ...view, url: secretUrl },
    () =>
      `Connected ${connector.name}\n  id   ${view.id}\n  url  ${secretUrl}\nGive ${connector.name} this URL: ${connector.documentation}`,
  );
}

function connectorOf(rooms: Rooms, id: string): Connector {
  const connector = rooms.connectors.get(id);
  if (connector === undefined) throw controllerErrors.unknownConnector(id, [...rooms.connectors.keys()]);
  return connector;
}

export async function allConnections(rooms: Rooms, controller?: string): Promise<ConnectionView[]> {
  const url = baseUrl(rooms.config);
  const lists = await Promise.all(
    (await controllersOf(rooms, controller)).map(({ id }) =>
      listConnections(rooms.database, rooms.ring, rooms.connectors, id, url),
    ),
  );
  return lists.flat();
}

async function findConnection(
  rooms: Rooms,
  id: string,
): Promise<{ controllerId: ControllerId; id: ConnectionId; connector: string }> {
  const found = (await allConnections(rooms)).find((connection) => connection.id === id);
  if (found === undefined) throw controllerErrors.unknownConnection(id);
  return { controllerId: found.controller, id: found.id, connector: found.connector };
}

async function update(rooms: Rooms, id: string, options: UpdateOptions): Promise<void> {
  if ([options.credentials, options.configuration, options.purposes].every((file) => file === undefined))
    throw new LetheError(
      "cli/nothing-to-do",
      "say what to replace: --credentials, --configuration or --purposes",
    );
  const target = await findConnection(rooms, id);
  const connector = connectorOf(rooms, target.connector);
  await updateConnection(rooms.database, rooms.ring, connector, target, {
    credentials: readJson(options.credentials),
    configuration: readJson(options.configuration),
    purposes: readJson(options.purposes),
  });
  output(options.json === true, { id, updated: true }, () =>
    ["Updated. It counts from now on.", ...(options.credentials === undefined ? [] : waited(connector))].join(
      "\n",
    ),
  );
}

/** How to take up what could not be done for want of these credentials: none of it is tried again by itself. */
function waited({ api, consent, rights }: Connector): string[] {
  const steps = [
    ...(api === undefined
      ? []
      : ["  lethe deliveries replay --status failed    deliveries that could not be fetched for"]),
    ...(consent === undefined
      ? []
      : ["  lethe consents retry --status manual       choices that could not be brought in step"]),
    ...(rights === undefined
      ? []
      : [
          "  lethe rights list                          requests with tasks that were left to you (lethe rights retry <task>)",
        ]),
  ];
  return steps.length === 0
    ? []
    : ["What failed or waited for want of credentials is taken up with:", ...steps];
}

function readJson(file: string | undefined): unknown {
  if (file === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new LetheError("connection/unreadable-file", `${file} cannot be read as JSON`);
  }
}
