import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { noteAct, passphraseFor, rightsErrors, takeBundle } from "#rights";
import { command, uuidArgument, withRooms } from "./command.ts";
import { output } from "./print.ts";
import { withRequest } from "./rights.ts";

export function rightsBundleCommand(): Command {
  return command(
    "bundle <request>",
    "write the encrypted file of an access or portability request, to be handed over by other means than the link; prints its passphrase",
    ["rights bundle 7c1e… --out data.zip"],
    uuidArgument,
  )
    .requiredOption("--out <file>", "where to write it; it holds personal data, encrypted")
    .action((id: string, options: { out: string; json?: boolean }) =>
      withRooms(async (rooms) => {
        const taken = await withRequest(rooms, id, async (tx, request, keys) => {
          const file = await takeBundle(tx, keys, request.id);
          if (file === undefined) throw rightsErrors.noBundle();
          await noteAct(tx, request, "rights.handed_over", { actor: "operator" }, { bytes: file.length });
          return { file, passphrase: passphraseFor(keys, request.id) };
        });
        writeFileSync(options.out, taken.file, { mode: 0o600 });
        const shown = { file: options.out, passphrase: taken.passphrase };
        output(
          options.json === true,
          shown,
          ({ file, passphrase }) =>
            `Wrote ${file}\nIts passphrase, to be given to the person in another way: ${passphrase}`,
        );
      }),
    );
}
