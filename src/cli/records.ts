import type { Command } from "commander";
import { listActivities } from "#activities";
import type { ControllerTransaction } from "#database";
import type { Rooms } from "#hub";
import { command, controllersOf, count, group, limitOf, uuidArgument, withRooms } from "./command.ts";
import { output, shortTime, table } from "./print.ts";

export interface ListOptions {
  readonly controller?: string;
  readonly subject?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

/** A list over the chosen controllers, in each one's own transaction. */
export async function listAll<T>(
  rooms: Rooms,
  options: ListOptions,
  list: (tx: ControllerTransaction, options: { subject?: string; limit: number }) => Promise<T[]>,
): Promise<T[]> {
  const limit = limitOf(options);
  const filter = { limit, ...(options.subject === undefined ? {} : { subject: options.subject }) };
  const lists = await Promise.all(
    (await controllersOf(rooms, options.controller)).map(({ id }) =>
      rooms.database.inController(id, (tx) => list(tx, filter)),
    ),
  );
  return lists.flat().slice(0, limit);
}

export function listCommand(description: string, examples: readonly string[]): Command {
  return command("list", description, examples)
    .option("--controller <id>", "of one controller", uuidArgument)
    .option("--limit <n>", "at most so many", count);
}

export const ofSubject = ["--subject <id>", "of one data subject", uuidArgument] as const;

export function activitiesCommand(): Command {
  const commands = group("activities", "processing activities (GDPR Art. 30)", ["activities list"]);
  return commands.addCommand(
    listCommand("list activities, newest first", ["activities list --subject 9b2f… --json"])
      .option(...ofSubject)
      .action((options: ListOptions) =>
        withRooms(async (rooms) =>
          output(options.json === true, await listAll(rooms, options, listActivities), (rows) =>
            table(
              rows.map((row) => ({
                subject: row.subject,
                activity: row.activity,
                purpose: row.purpose,
                basis: row.lawfulBasis,
                recipient: row.recipient,
                occurred: shortTime(row.occurredAt),
              })),
              "No activities yet.",
            ),
          ),
        ),
      ),
  );
}
