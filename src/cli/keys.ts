import type { Command } from "commander";
import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { HUB } from "#schemas";
import { rotateMasterKey } from "#vault";
import { command, group, withRooms } from "./command.ts";
import { keysEpochsCommand } from "./keys-epochs.ts";
import { output, progressBar } from "./print.ts";

export function keysCommand(): Command {
  const commands = group("keys", "the key ring", ["keys rotate", "keys epochs"]);
  commands.addCommand(keysEpochsCommand());
  return commands.addCommand(
    command("rotate", "wrap every controller's keys under a new master key; payloads are not touched", [
      "keys rotate",
      'LETHE_MASTER_KEY="2:<new>,1:<old>" lethe keys rotate',
    ]).action((options: { json?: boolean }) =>
      withRooms(async ({ database, ring, master, controllers }) => {
        const bar = progressBar("wrapping keys");
        const all = async () => [HUB, ...(await controllers()).map(({ id }) => id)];
        const rotation = await rotateMasterKey({
          database,
          ring,
          master,
          controllers: all,
          progress: bar.update,
          record: (done) =>
            database.inController(HUB, (tx) =>
              appendEvents(tx, [
                {
                  workflow: uuid(),
                  type: "keys.rotated",
                  entity: "master-key",
                  actor: "operator",
                  facts: { ...done },
                },
              ]),
            ),
        }).finally(bar.stop);
        output(
          options.json === true,
          { ...rotation, source: master.source },
          ({ version, rewrapped, destroyed }) =>
            [
              `Version ${version} of the master key wraps everything now; ${rewrapped} keys were wrapped anew.`,
              destroyed
                ? "The old versions are destroyed."
                : `Remove the old versions from ${master.source}.`,
            ].join("\n"),
        );
      }),
    ),
  );
}
