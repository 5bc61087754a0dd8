import type { Command } from "commander";
import { addPurpose, listPurposes } from "#consent";
import { controllerErrors } from "#controllers";
import { LetheError, Purpose, type PurposeView } from "#schemas";
import { command, controllersOf, group, uuidArgument, withRooms } from "./command.ts";
import { output, table } from "./print.ts";

interface Options {
  readonly controller: string;
  readonly title: string;
  readonly json?: boolean;
}

export function consentsPurposesCommand(): Command {
  const commands = group("purposes", "what a controller's people can be asked to consent to", [
    "consents purposes list --controller 4f0c…",
    "consents purposes add product_news --title 'News about our products' --controller 4f0c…",
  ]);
  commands.addCommand(
    command("list", "list purposes: everybody's, and the controller's own", [
      "consents purposes list --controller 4f0c…",
    ])
      .requiredOption("--controller <id>", "the controller", uuidArgument)
      .action((options: Options) =>
        withRooms(async (rooms) => {
          const [controller] = await controllersOf(rooms, options.controller);
          if (controller === undefined) throw controllerErrors.unknown(options.controller);
          output(
            options.json === true,
            await rooms.database.inController(controller.id, listPurposes),
            purposeTable,
          );
        }),
      ),
  );
  commands.addCommand(
    command("add <name>", "add a purpose of the controller's own", [
      "consents purposes add product_news --title 'News about our products' --controller 4f0c…",
    ])
      .requiredOption("--controller <id>", "the controller", uuidArgument)
      .requiredOption("--title <words>", "what people are asked, in words")
      .action((name: string, options: Options) =>
        withRooms(async (rooms) => {
          const id = Purpose.safeParse(name);
          if (!id.success)
            throw new LetheError(
              "consent/bad-purpose",
              `the name ${id.error.issues[0]?.message ?? "is not allowed"}`,
            );
          const [controller] = await controllersOf(rooms, options.controller);
          if (controller === undefined) throw controllerErrors.unknown(options.controller);
          const purpose = { id: id.data, title: options.title };
          const added = await rooms.database.inController(controller.id, (tx) => addPurpose(tx, purpose));
          output(
            options.json === true,
            added,
            ({ id }) =>
              `Added ${id}. Tie it to a platform's list: lethe connection update <connection> --purposes file.json, with {"topic_7": "${id}"}`,
          );
        }),
      ),
  );
  return commands;
}

function purposeTable(rows: readonly PurposeView[]): string {
  return table(
    rows.map(({ id, title, own }) => ({ purpose: id, title, own: own ? "yes" : "" })),
    "No purposes.",
  );
}
