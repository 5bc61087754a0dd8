import { type Command, Option } from "commander";
import type { ControllerTransaction } from "#database";
import { type Rooms, runningHub } from "#hub";
import {
  allSettled,
  type ByHand,
  completeTask,
  findTask,
  lockRequest,
  type RightsRequest,
  rightsErrors,
  sealNote,
  type Task,
} from "#rights";
import { LawfulBasis } from "#schemas";
import type { ControllerKeys } from "#vault";
import { announceSettled, retryTask } from "#workflows";
import { command, controllersOf, isoTime, uuidArgument, withRooms } from "./command.ts";
import { output } from "./print.ts";

interface CompleteOptions {
  readonly note: string;
  readonly outcome: ByHand["outcome"];
  readonly basis: LawfulBasis;
  readonly until?: string;
  readonly json?: boolean;
}

interface RetryOptions {
  readonly anew?: boolean;
  readonly json?: boolean;
}

export function rightsCompleteCommand(): Command {
  return command(
    "complete-task <task>",
    "confirm what was done by hand at a platform, or that it is given up there",
    [
      "rights complete-task 51d0… --note 'deleted in the attendee list, TICKET-12'",
      "rights complete-task 51d0… --outcome failed --note 'the account is closed, nobody can sign in'",
    ],
    uuidArgument,
  )
    .requiredOption("--note <text>", "what was done, for the evidence; do not name the person")
    .addOption(
      new Option(
        "--outcome <outcome>",
        "what became of it; `failed` gives it up, and the request is fulfilled in part",
      )
        .choices(["done", "retained", "failed"])
        .default("done"),
    )
    .addOption(
      new Option("--basis <basis>", "with `retained`: the lawful basis for keeping it")
        .choices(LawfulBasis.options)
        .default("legal_obligation"),
    )
    .option("--until <time>", "with `retained`: until when it is kept (ISO 8601), if that is known", isoTime)
    .action((id: string, options: CompleteOptions) =>
      withRooms(async (rooms) => {
        await withTask(rooms, id, async (tx, request, task, keys) => {
          const note = sealNote(keys, tx.controllerId, task.id, options.note);
          await completeTask(tx, request, task, byHand(options), { actor: "operator", note });
          if (await allSettled(tx, request.id)) await announceSettled(tx, request.id);
        });
        output(
          options.json === true,
          { task: id, outcome: options.outcome },
          () => `Completed.${later(rooms)}`,
        );
      }),
    );
}

const byHand = ({ outcome, basis, until }: CompleteOptions): ByHand =>
  outcome === "retained" ? { outcome, basis, until: until ?? null } : { outcome };

export function rightsRetryCommand(): Command {
  return command(
    "retry <task>",
    "try a task again that failed or was left to you; what was asked for already is looked at, and not asked for twice",
    ["rights retry 51d0…", "rights retry 51d0… --anew"],
    uuidArgument,
  )
    .option("--anew", "ask for the erasure again, although it may have been asked for")
    .action((id: string, options: RetryOptions) =>
      withRooms(async (rooms) => {
        await withTask(rooms, id, (tx, request, task) =>
          retryTask(tx, request, task, { anew: options.anew === true }),
        );
        output(options.json === true, { task: id, retried: true }, () => `Trying it again.${later(rooms)}`);
      }),
    );
}

const later = ({ config }: Rooms) =>
  runningHub(config.dataDir) === undefined
    ? " No hub runs on this data directory; it goes on when one starts."
    : "";

async function withTask(
  rooms: Rooms,
  id: string,
  work: (
    tx: ControllerTransaction,
    request: RightsRequest,
    task: Task,
    keys: ControllerKeys,
  ) => Promise<void>,
): Promise<void> {
  for (const { id: controllerId } of await controllersOf(rooms, undefined)) {
    const keys = await rooms.ring.keys(controllerId);
    const found = await rooms.database.inController(controllerId, async (tx) => {
      const named = await findTask(tx, id);
      if (named === undefined) return false;
      const request = await lockRequest(tx, named.requestId);
      const task = await findTask(tx, id, { lock: true });
      if (request === undefined || task === undefined) return false;
      await work(tx, request, task, keys);
      return true;
    });
    if (found) return;
  }
  throw rightsErrors.unknownTask();
}
