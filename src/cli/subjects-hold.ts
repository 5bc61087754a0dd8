import { type Command, Option } from "commander";
import { holdsOf, placeHold } from "#rights";
import { EvidenceReference, HoldGround, LetheError } from "#schemas";
import { command, uuidArgument, withRooms } from "./command.ts";
import { findSubject } from "./consents.ts";
import { output, shortTime, table } from "./print.ts";

interface HoldOptions {
  readonly ground?: HoldGround;
  readonly reference?: string;
  readonly json?: boolean;
}

export function subjectsHoldCommand(): Command {
  return command(
    "hold <subject>",
    "keep a person's data from erasure (GDPR Art. 17(3)), or list what does",
    ["subjects hold 9b2f… --ground legal_claims --reference LEGAL-17", "subjects hold 9b2f…"],
    uuidArgument,
  )
    .addOption(new Option("--ground <ground>", "why they must be kept").choices(HoldGround.options))
    .option("--reference <reference>", "where the reason is written down: a case, a ticket; nothing personal")
    .action((id: string, options: HoldOptions) =>
      withRooms(async (rooms) => {
        const { controller, subject } = await findSubject(rooms, id);
        const { ground, reference } = options;
        if ((ground === undefined) !== (reference === undefined))
          throw new LetheError(
            "cli/incomplete",
            "say both --ground and --reference, or neither to list holds",
          );
        if (ground !== undefined) {
          const checked = EvidenceReference.safeParse(reference);
          if (!checked.success)
            throw new LetheError("hold/bad-reference", `--reference ${checked.error.issues[0]?.message}`);
          await rooms.database.inController(controller.id, (tx) =>
            placeHold(tx, subject, ground, checked.data),
          );
        }
        const holds = await rooms.database.inController(controller.id, (tx) => holdsOf(tx, subject.id));
        output(options.json === true, holds, (rows) =>
          table(
            rows.map((hold) => ({
              ground: hold.ground,
              reference: hold.reference,
              since: shortTime(hold.placedAt),
            })),
            "There is no hold on this person's data.",
          ),
        );
      }),
    );
}

export function subjectsReleaseCommand(): Command {
  return command(
    "release <subject>",
    "release every hold on a person's data; erasures that waited for it go on",
    ["subjects release 9b2f…"],
    uuidArgument,
  ).action((id: string, options: { json?: boolean }) =>
    withRooms(async (rooms) => {
      const { controller, subject } = await findSubject(rooms, id);
      const { releaseRights } = await import("#workflows"); // which no other command of subjects needs
      const released = await rooms.database.inController(controller.id, (tx) => releaseRights(tx, subject));
      output(options.json === true, { subject: subject.id, released }, () =>
        released === 0 ? "There was no hold." : `Released ${released} hold${released === 1 ? "" : "s"}.`,
      );
    }),
  );
}
