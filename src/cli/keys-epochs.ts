import type { Command } from "commander";
import { type Epoch, listEpochs } from "#identity";
import type { ControllerId } from "#schemas";
import { command, controllersOf, uuidArgument, withRooms } from "./command.ts";
import { output, shortTime, table } from "./print.ts";

type Row = Epoch & { readonly controller: ControllerId };

export function keysEpochsCommand(): Command {
  return command("epochs", "list the epochs in which people's keys are wrapped, and which are destroyed", [
    "keys epochs",
    "keys epochs --controller 4f0c… --json",
  ])
    .option("--controller <id>", "of one controller", uuidArgument)
    .action((options: { controller?: string; json?: boolean }) =>
      withRooms(async (rooms) => {
        const lists = await Promise.all(
          (await controllersOf(rooms, options.controller)).map(({ id: controller }) =>
            rooms.database.inController(controller, async (tx) =>
              (await listEpochs(tx)).map((epoch) => ({ controller, ...epoch })),
            ),
          ),
        );
        output(options.json === true, lists.flat(), people);
      }),
    );
}

const people = (rows: readonly Row[]) =>
  table(
    rows.map(({ controller, version, since, superseded, destroyed }) => ({
      ...{ controller, version, since: shortTime(since) },
      ...{ superseded: shortTime(superseded), destroyed: shortTime(destroyed) },
    })),
    "There are no controllers yet. Add one: lethe controller add <name> --environment sandbox",
  );
