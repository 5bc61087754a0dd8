import { type Command, Option } from "commander";
import { reopenPushes } from "#consent";
import { runningHub } from "#hub";
import { LetheError, PushId } from "#schemas";
import { command, uuidArgument, withRooms } from "./command.ts";
import { findPushes } from "./consents.ts";
import { output } from "./print.ts";

interface Options {
  readonly controller?: string;
  readonly status?: "failed" | "manual";
  readonly json?: boolean;
}

export function consentsRetryCommand(): Command {
  return command(
    "retry [push...]",
    "bring platforms in step again that failed, or were left to a person; with what holds now, not with what held then",
    ["consents retry 0f3c…", "consents retry --status failed"],
    uuidArgument,
  )
    .option("--controller <id>", "of one controller", uuidArgument)
    .addOption(new Option("--status <status>", "all in this state").choices(["failed", "manual"]))
    .action((named: string[] | undefined, options: Options) =>
      withRooms(async (rooms) => {
        const ids = [...new Set(named ?? [])].map((id) => PushId.parse(id));
        if ((ids.length === 0) === (options.status === undefined))
          throw new LetheError("cli/nothing-named", "name pushes, or say --status failed or --status manual");
        const chosen = await findPushes(rooms, {
          ...options,
          ...{ limit: 1_000_000, ...(ids.length > 0 && { ids }) },
        });
        if (chosen.length < ids.length)
          throw new LetheError("consent/unknown-push", "there is no such push; see `lethe consents pushes`");
        const { announcePushes } = await import("#workflows"); // which not every command of consents needs
        const reopened = new Set<string>();
        for (const [controllerId, pushes] of Map.groupBy(chosen, ({ controller }) => controller))
          await rooms.database.inController(controllerId, async (tx) => {
            const again = await reopenPushes(
              tx,
              pushes.map(({ id }) => id),
            );
            await announcePushes(tx, again);
            for (const { pushId } of again) reopened.add(pushId);
          });
        const outcomes = chosen.map(({ id, connector }) => ({ id, connector, retried: reopened.has(id) }));
        output(options.json === true, outcomes, (rows) => {
          const waits = runningHub(rooms.config.dataDir) === undefined && reopened.size > 0;
          const left = rows.filter(({ retried }) => !retried);
          return [
            `Trying ${reopened.size} of ${rows.length} again.${waits ? " No hub runs on this data directory; they are tried when one starts." : ""}`,
            ...left.map(({ id }) => `${id}  not tried: it did not fail, or a later one took its place`),
          ].join("\n");
        });
        if (reopened.size < ids.length) process.exitCode = 1;
      }),
    );
}
