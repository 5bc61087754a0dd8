import type { Command } from "commander";
import { browserSecret, rotateBrowserSecret } from "#consent";
import { controllerErrors } from "#controllers";
import { baseUrl, command, controllersOf, uuidArgument, withRooms } from "./command.ts";
import { output } from "./print.ts";

export function consentsBrowserSecretCommand(): Command {
  return command(
    "browser-secret",
    "print the secret with which your own site signs tokens, so that its visitors' browsers may consent for them",
    ["consents browser-secret --controller 4f0c…"],
  )
    .requiredOption("--controller <id>", "the controller", uuidArgument)
    .option("--rotate", "make another one; what the old one signed counts no more")
    .action((options: { controller: string; rotate?: boolean; json?: boolean }) =>
      withRooms(async (rooms) => {
        const [controller] = await controllersOf(rooms, options.controller);
        if (controller === undefined) throw controllerErrors.unknown(options.controller);
        const keys = await rooms.ring.keys(controller.id);
        const secret = await rooms.database.inController(controller.id, async (tx) => {
          if (options.rotate === true) await rotateBrowserSecret(tx);
          return browserSecret(tx, keys);
        });
        const url = `${baseUrl(rooms.config)}/signals/${controller.id}`;
        output(
          options.json === true,
          { secret, url },
          () =>
            `secret  ${secret}\nurl     ${url}\nKeep the secret on your server. It signs a JWT (HS256) with the person that a page is shown to: {"person": {"email": "…"}, "exp": …}, at most a day ahead.`,
        );
      }),
    );
}
