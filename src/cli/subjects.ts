import type { Command } from "commander";
import { controllerErrors } from "#controllers";
import { findSubjects, listSubjects } from "#identity";
import { LetheError, type SubjectView } from "#schemas";
import {
  command,
  controllersOf,
  count,
  group,
  limitOf,
  secretValue,
  uuidArgument,
  withRooms,
} from "./command.ts";
import { output, shortTime, table } from "./print.ts";
import { subjectsErasedCommand, subjectsReadmitCommand } from "./subjects-erased.ts";
import { subjectsHoldCommand, subjectsReleaseCommand } from "./subjects-hold.ts";

interface ListOptions {
  readonly controller?: string;
  readonly merged?: boolean;
  readonly limit?: number;
  readonly json?: boolean;
}

interface FindOptions {
  readonly controller: string;
  readonly email?: string;
  readonly phone?: string;
  readonly region?: string;
  readonly json?: boolean;
}

export function subjectsCommand(): Command {
  const commands = group("subjects", "data subjects: the people behind linked identifiers", [
    "subjects list",
  ]);
  commands.addCommand(
    command("list", "list data subjects, newest first", ["subjects list --json"])
      .option("--controller <id>", "of one controller", uuidArgument)
      .option("--merged", "also those that were merged into others")
      .option("--limit <n>", "at most so many", count)
      .action((options: ListOptions) =>
        withRooms(async (rooms) => {
          const limit = limitOf(options);
          const lists = await Promise.all(
            (await controllersOf(rooms, options.controller)).map(({ id }) =>
              rooms.database.inController(id, (tx) =>
                listSubjects(tx, { merged: options.merged === true, limit }),
              ),
            ),
          );
          output(options.json === true, lists.flat().slice(0, limit), people);
        }),
      ),
  );
  commands.addCommand(
    command("show <subject>", "show one data subject", ["subjects show 9b2f…"], uuidArgument).action(
      (id: string, options: { json?: boolean }) =>
        withRooms(async (rooms) => {
          const lists = await Promise.all(
            (await rooms.controllers()).map((controller) =>
              rooms.database.inController(controller.id, (tx) =>
                listSubjects(tx, { merged: true, limit: 1, id }),
              ),
            ),
          );
          const [subject] = lists.flat();
          if (subject === undefined)
            throw new LetheError("subject/unknown", "there is no data subject of this id");
          output(options.json === true, subject, (shown) => people([shown]));
        }),
    ),
  );
  commands.addCommand(
    command(
      "find",
      "find the data subject of an e-mail address or a phone number, read from standard input",
      [
        "subjects find --controller 4f0c… --email -  < address.txt",
        "subjects find --controller 4f0c… --phone - --region DE",
      ],
    )
      .requiredOption("--controller <id>", "the controller", uuidArgument)
      .option("--email <->", "the address on standard input, so that it stands in no shell history")
      .option("--phone <->", "the number on standard input")
      .option("--region <country>", "where a number without a country code is from, e.g. DE")
      .action((options: FindOptions) =>
        withRooms(async (rooms) => {
          const [controller] = await controllersOf(rooms, options.controller);
          if (controller === undefined) throw controllerErrors.unknown(options.controller);
          const given = options.email ?? options.phone;
          if (given !== "-" || (options.email !== undefined && options.phone !== undefined))
            throw new LetheError(
              "cli/on-standard-input",
              "say --email - or --phone - and give the value on standard input; on the command line it would stay in the shell's history",
            );
          const value = await secretValue("-");
          const by =
            options.email !== undefined ? { email: value } : { phone: value, region: options.region };
          const keys = await rooms.ring.keys(controller.id);
          const found = await rooms.database.inController(controller.id, (tx) => findSubjects(tx, keys, by));
          output(options.json === true, found, people);
          if (found.length === 0) process.exitCode = 1;
        }),
      ),
  );
  commands.addCommand(subjectsHoldCommand());
  commands.addCommand(subjectsReleaseCommand());
  commands.addCommand(subjectsErasedCommand());
  commands.addCommand(subjectsReadmitCommand());
  return commands;
}

function people(rows: readonly SubjectView[]): string {
  return table(
    rows.map((row) => ({
      id: row.id,
      did: `${row.did.slice(0, 22)}…`,
      identifiers: [...Map.groupBy(row.identifiers, ({ kind }) => kind)]
        .map(([kind, all]) => `${kind}×${all.length}`)
        .join(" "),
      status: row.status,
      created: shortTime(row.createdAt),
    })),
    "No data subject.",
  );
}
