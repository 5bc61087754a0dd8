import type { Command } from "commander";
import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { controllerErrors } from "#controllers";
import { claimOf, listSightings, readmit } from "#identity";
import { subject as person } from "#kit";
import { LetheError } from "#schemas";
import { command, controllersOf, count, secretValue, uuidArgument, withRooms } from "./command.ts";
import { output, shortTime, table } from "./print.ts";
import { type ListOptions, listAll } from "./records.ts";

export function subjectsErasedCommand(): Command {
  return command(
    "erased",
    "list webhooks about people who were erased: which platforms still have them, newest first",
    ["subjects erased", "subjects erased --controller 4f0c… --json"],
  )
    .option("--controller <id>", "of one controller", uuidArgument)
    .option("--limit <n>", "at most so many", count)
    .action((options: ListOptions) =>
      withRooms(async (rooms) =>
        output(options.json === true, await listAll(rooms, options, listSightings), (rows) =>
          table(
            rows.map((row) => ({
              delivery: row.delivery,
              connector: row.connector,
              connection: row.connection,
              seen: shortTime(row.seenAt),
            })),
            "No platform has spoken of anybody who was erased.",
          ),
        ),
      ),
    );
}

export function subjectsReadmitCommand(): Command {
  return command(
    "readmit",
    "let somebody be known again who was erased and came back of their own will; the address is read from standard input",
    [
      "subjects readmit --controller 4f0c… --email -  < address.txt",
      "subjects readmit --controller 4f0c… --email - --new-address  < address.txt",
    ],
  )
    .requiredOption("--controller <id>", "the controller", uuidArgument)
    .requiredOption("--email <->", "the address on standard input, so that it stands in no shell history")
    .option("--new-address", "they have this one since, and were erased by another")
    .action((options: { controller: string; email: string; newAddress?: boolean; json?: boolean }) =>
      withRooms(async (rooms) => {
        const [controller] = await controllersOf(rooms, options.controller);
        if (controller === undefined) throw controllerErrors.unknown(options.controller);
        if (options.email !== "-")
          throw new LetheError(
            "cli/on-standard-input",
            "say --email - and give the value on standard input; on the command line it would stay in the shell's history",
          );
        const keys = await rooms.ring.keys(controller.id);
        const record = person({ email: await secretValue("-") });
        const claim = claimOf(keys, { workflowId: uuid(), connectionId: null, region: null }, record);
        const anyway = options.newAddress === true;
        const readmitted = await rooms.database.inController(controller.id, async (tx) => {
          const known = await readmit(tx, keys, claim, { anyway });
          await appendEvents(tx, known?.events ?? []);
          return known !== undefined;
        });
        output(options.json === true, { readmitted }, () =>
          readmitted
            ? "They are known again by this address, and by their accounts from the next webhook on that names both."
            : "Nobody was erased by that.",
        );
        if (!readmitted) process.exitCode = 1;
      }),
    );
}
