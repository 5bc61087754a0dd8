import { type Command, Option } from "commander";
import { processingStatus, type Rooms, resumeProcessing, stopProcessing } from "#hub";
import { StopReason } from "#schemas";
import { command, group, withRooms } from "./command.ts";
import { counted, output, paint } from "./print.ts";

interface Options {
  readonly reason: StopReason;
  readonly json?: boolean;
}

export function processingCommand(): Command {
  const commands = group("processing", "the kill switch: stop all processing, and take nothing less in", [
    "processing stop --reason incident",
    "processing status --json",
    "processing resume",
  ]);
  commands.addCommand(
    command("stop", "let no step of any workflow begin, in any process; webhooks are taken as ever", [
      "processing stop --reason incident",
    ])
      .addOption(
        new Option("--reason <reason>", "why, for the audit log")
          .choices(StopReason.options)
          .makeOptionMandatory(),
      )
      .action((options: Options) =>
        withRooms(async (rooms) => {
          const { changed } = await stopProcessing(rooms.database, options.reason);
          await show(rooms, options, changed);
        }),
      ),
  );
  commands.addCommand(
    command("resume", "let everything that waits go on", ["processing resume"]).action((options: Options) =>
      withRooms(async (rooms) => {
        const { changed } = await resumeProcessing(rooms.database);
        await show(rooms, options, changed);
      }),
    ),
  );
  return commands.addCommand(
    command("status", "whether processing goes on", ["processing status", "processing status --json"]).action(
      (options: Options) => withRooms((rooms) => show(rooms, options)),
    ),
  );
}

async function show(rooms: Rooms, options: Options, changed?: boolean): Promise<void> {
  const { stop, waiting, underWay } = await processingStatus(rooms.database);
  const shown = {
    processing: stop === undefined ? "running" : "stopped",
    since: stop?.since ?? null,
    reason: stop?.reason ?? null,
    ...{ waiting, underWay },
    ...(changed !== undefined && { changed }),
  };
  output(options.json === true, shown, () => {
    const already = changed === false ? ", as it was before" : "";
    if (stop === undefined) return paint("green", `Processing goes on${already}.`);
    return [
      paint("red", `Processing is stopped since ${stop.since} (${stop.reason})${already}.`),
      `${counted(waiting, "event waits", "events wait")}, ${counted(underWay, "call still finishes its step", "calls still finish their steps")}. Webhooks are taken as ever.`,
      "`lethe processing resume` lets everything go on.",
    ].join("\n");
  });
}
