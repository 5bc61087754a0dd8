import { type Command, InvalidArgumentError } from "commander";
import { createController, listControllers } from "#controllers";
import type { Environment } from "#schemas";
import { command, group, withRooms } from "./command.ts";
import { output, shortTime, table } from "./print.ts";

export function controllerCommand(): Command {
  const commands = group("controller", "data controllers: the hub's tenants (GDPR Art. 4(7))", [
    "controller add 'Acme GmbH' --environment sandbox",
    "controller list --json",
  ]);
  commands.addCommand(
    command("add <name>", "add a controller, with its DID and its own keys", [
      "controller add 'Acme GmbH' --environment live",
    ])
      .requiredOption("--environment <environment>", "live or sandbox, for life", environment)
      .action((name: string, options: { environment: Environment; json?: boolean }) =>
        withRooms(async ({ database, ring }) => {
          const added = await createController(database, ring, { name, environment: options.environment });
          output(
            options.json === true,
            added,
            ({ id, did }) =>
              `Added the ${options.environment} controller ${name}\n  id   ${id}\n  did  ${did}\nNext: lethe connection add shopify --controller ${id} --secret -`,
          );
        }),
      ),
  );
  commands.addCommand(
    command("list", "list controllers", ["controller list"]).action((options: { json?: boolean }) =>
      withRooms(async ({ database }) => {
        output(options.json === true, await listControllers(database), (rows) =>
          table(
            rows.map((row) => ({
              id: row.id,
              name: row.name,
              environment: row.environment,
              created: shortTime(row.createdAt),
            })),
            "There are no controllers yet. Add one: lethe controller add <name> --environment sandbox",
          ),
        );
      }),
    ),
  );
  return commands;
}

function environment(text: string): Environment {
  if (text !== "live" && text !== "sandbox") throw new InvalidArgumentError("It must be live or sandbox.");
  return text;
}
