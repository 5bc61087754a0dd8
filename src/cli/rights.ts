import type { Command } from "commander";
import type { ControllerTransaction } from "#database";
import type { Rooms } from "#hub";
import { listRightsRequests, lockRequest, type RightsRequest, rightsErrors } from "#rights";
import type { RightsRequestView } from "#schemas";
import type { ControllerKeys } from "#vault";
import { controllersOf, group, limitOf, withRooms } from "./command.ts";
import { output, paint, shortTime, table } from "./print.ts";
import { type ListOptions, listAll, listCommand, ofSubject } from "./records.ts";
import { rightsBundleCommand } from "./rights-bundle.ts";
import {
  rightsApproveCommand,
  rightsCancelCommand,
  rightsDenyCommand,
  rightsExtendCommand,
  rightsLiftCommand,
  rightsPauseCommand,
  rightsResumeCommand,
  rightsVerifyCommand,
} from "./rights-decide.ts";
import { rightsEvidenceCommand } from "./rights-evidence.ts";
import { rightsOpenCommand } from "./rights-open.ts";
import { rightsShowCommand } from "./rights-show.ts";
import { rightsCompleteCommand, rightsRetryCommand } from "./rights-tasks.ts";

export function rightsCommand(): Command {
  const commands = group(
    "rights",
    "requests of people to exercise a right: access, portability, rectification, erasure, restriction, objection, opt-out of sale",
    [
      "rights open --controller 4f0c… --kind erasure --email -  < address.txt",
      "rights list",
      "rights approve 7c1e… --note 'identity checked, nothing to keep'",
    ],
  );
  for (const make of COMMANDS) commands.addCommand(make());
  return commands;
}

const COMMANDS = [
  rightsOpenCommand,
  rightsListCommand,
  rightsShowCommand,
  rightsVerifyCommand,
  rightsApproveCommand,
  rightsDenyCommand,
  rightsExtendCommand,
  rightsPauseCommand,
  rightsResumeCommand,
  rightsCompleteCommand,
  rightsRetryCommand,
  rightsCancelCommand,
  rightsLiftCommand,
  rightsBundleCommand,
  rightsEvidenceCommand,
];

function rightsListCommand(): Command {
  return listCommand("list requests, the most urgent first", ["rights list", "rights list --open --json"])
    .option("--open", "only those that are not closed")
    .option(...ofSubject)
    .action((options: ListOptions & { open?: boolean }) =>
      withRooms(async (rooms) => {
        const { open = false } = options;
        const listed = await listAll(rooms, options, (tx, filter) =>
          listRightsRequests(tx, { ...filter, open }),
        );
        const sorted = listed.toSorted((a, b) => urgency(a) - urgency(b)).slice(0, limitOf(options));
        output(options.json === true, sorted, (rows) =>
          table(
            rows.map((row) => ({
              id: row.id,
              kind: row.kind,
              regime: row.regime,
              status: row.status.replace("_", " "),
              "needs you": needs(row),
              due: painted(row),
            })),
            "No rights requests. Record one: lethe rights open --help",
          ),
        );
      }),
    );
}

/** What somebody has to do, if anything. */
function needs(row: RightsRequestView): string {
  // From before the hub carried them out by itself: somebody may have done it by hand.
  if (row.status === "received" && row.source === "platform") return "start or cancel";
  if (row.status === "verified") return "approve or deny";
  if (row.status === "verifying" && row.source === "operator") return "verify";
  if (row.toHandOver) return "hand over";
  return row.waiting > 0 ? `${row.waiting} task${row.waiting === 1 ? "" : "s"}` : "";
}

/** Open ones by their deadline, those without one after them, closed ones last. */
function urgency({ closedAt, dueAt, receivedAt, toHandOver }: RightsRequestView): number {
  if (closedAt !== null && !toHandOver) return 2e15 - Date.parse(closedAt) / 1e3;
  return dueAt === null ? 1e15 + Date.parse(receivedAt) / 1e3 : Date.parse(dueAt);
}

/** Milliseconds before a deadline in which it is near. */
const NEAR = 7 * 86_400_000;

function painted({ closedAt, dueAt, paused, toHandOver }: RightsRequestView): string {
  if (closedAt !== null && !toHandOver) return "–";
  if (dueAt === null) return paused ? "paused" : "not started";
  const left = Date.parse(dueAt) - Date.now();
  if (left < 0) return paint("red", `${shortTime(dueAt)} overdue`);
  return left < NEAR ? paint("yellow", shortTime(dueAt)) : shortTime(dueAt);
}

/** A request of any controller, locked, for a command that moves it. Throws `rights/unknown`. */
export async function withRequest<T>(
  rooms: Rooms,
  id: string,
  work: (tx: ControllerTransaction, request: RightsRequest, keys: ControllerKeys) => Promise<T>,
): Promise<T> {
  for (const { id: controllerId } of await controllersOf(rooms, undefined)) {
    const keys = await rooms.ring.keys(controllerId);
    const done = await rooms.database.inController(controllerId, async (tx) => {
      const request = await lockRequest(tx, id);
      return request === undefined ? undefined : { value: await work(tx, request, keys) };
    });
    if (done !== undefined) return done.value;
  }
  throw rightsErrors.unknown();
}
