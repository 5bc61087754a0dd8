import { type Command, Option } from "commander";
import { consentErrors, listConsents, listPushes, showConsents } from "#consent";
import type { Rooms } from "#hub";
import { subjectById } from "#identity";
import {
  type ConsentHistoryView,
  type ControllerId,
  type PushId,
  PushStatus,
  type PushView,
  type SubjectId,
} from "#schemas";
import { command, controllersOf, count, group, limitOf, uuidArgument, withRooms } from "./command.ts";
import { consentsBrowserSecretCommand } from "./consents-browser-secret.ts";
import { consentsDriftCommand } from "./consents-drift.ts";
import { consentsPurposesCommand } from "./consents-purposes.ts";
import { consentsReceiptCommand, consentsVerifyCommand } from "./consents-receipt.ts";
import { consentsRetryCommand } from "./consents-retry.ts";
import { consentsSetCommand } from "./consents-set.ts";
import { output, paint, shortTime, table } from "./print.ts";
import { type ListOptions, listAll, listCommand, ofSubject } from "./records.ts";

export function consentsCommand(): Command {
  const commands = group("consents", "what people chose, why it holds, and where it was brought", [
    "consents show 9b2f…",
    "consents set 9b2f… --purpose email_marketing --state withdrawn --method in_writing",
    "consents pushes --status failed",
  ]);
  commands.addCommand(showCommand());
  commands.addCommand(recordsCommand());
  commands.addCommand(consentsSetCommand());
  commands.addCommand(pushesCommand());
  commands.addCommand(consentsRetryCommand());
  commands.addCommand(consentsDriftCommand());
  commands.addCommand(consentsReceiptCommand());
  commands.addCommand(consentsVerifyCommand());
  commands.addCommand(consentsPurposesCommand());
  commands.addCommand(consentsBrowserSecretCommand());
  return commands;
}

/** Finds a subject in whichever controller has it. Throws `subject/unknown`. */
export async function findSubject(rooms: Rooms, id: string) {
  for (const controller of await rooms.controllers()) {
    const subject = await rooms.database.inController(controller.id, (tx) => subjectById(tx, id));
    if (subject !== undefined) return { controller, subject };
  }
  throw consentErrors.unknownSubject();
}

function showCommand(): Command {
  return command(
    "show <subject>",
    "show a subject's consent: its state, why it is so, and every platform that was brought in step",
    ["consents show 9b2f…", "consents show 9b2f… --json"],
    uuidArgument,
  ).action((id: string, options: { json?: boolean }) =>
    withRooms(async (rooms) => {
      const { controller, subject } = await findSubject(rooms, id);
      const shown = await rooms.database.inController(controller.id, (tx) => showConsents(tx, subject.id));
      output(options.json === true, shown, (purposes) =>
        purposes.length === 0
          ? "Nothing is recorded: this subject was never asked, as far as the platforms say."
          : purposes.map(explained).join("\n\n"),
      );
    }),
  );
}

const REASONS: Record<NonNullable<ConsentHistoryView["reason"]>, string> = {
  latest_choice: "the latest choice that the person expressed",
  opt_out_wins_tie: "of choices made at the same time, an opt-out counts",
  opt_out_reported: "a platform reported an opt-out after the person's last choice that we saw",
  latest_report: "nobody expressed a choice; this is what a platform reported last",
};

const VERDICTS: Record<ConsentHistoryView["records"][number]["verdict"], string> = {
  decides: "decides",
  older: "older",
  repeated: "says the same",
  outweighed: "gives way to an opt-out of that time",
  report_only: "a report, which lifts no choice",
  echo: "our own change, come back",
};

function explained({ purpose, state, reason, since, records, platforms }: ConsentHistoryView): string {
  const head = `${paint("bold", purpose)}  ${state === null ? "unknown" : stateText(state)}${
    reason === null ? "" : `  since ${shortTime(since)}: ${REASONS[reason]}`
  }`;
  const history = table(
    records.map((record) => ({
      occurred: shortTime(record.occurredAt),
      state: record.state,
      because: VERDICTS[record.verdict],
      source: record.source,
      method: record.method,
      where: record.jurisdiction,
      evidence: record.evidence,
      record: record.id,
    })),
    "No records.",
  );
  return [head, history, ...(platforms.length === 0 ? [] : [pushTable(platforms)])].join("\n");
}

const stateText = (state: string) =>
  paint(
    state === "granted" ? "green" : state === "withdrawn" || state === "denied" ? "red" : "yellow",
    state,
  );

function recordsCommand(): Command {
  return listCommand("list consent records, newest first; the deciding one is marked", [
    "consents list --subject 9b2f…",
  ])
    .option(...ofSubject)
    .action((options: ListOptions) =>
      withRooms(async (rooms) =>
        output(options.json === true, await listAll(rooms, options, listConsents), (rows) =>
          table(
            rows.map((row) => ({
              subject: row.subject,
              purpose: row.purpose,
              state: row.state,
              decides: row.current ? "yes" : "",
              nature: row.nature,
              method: row.method,
              occurred: shortTime(row.occurredAt),
            })),
            "No consent records yet.",
          ),
        ),
      ),
    );
}

export interface PushFilter {
  readonly controller?: string;
  readonly subject?: string;
  readonly status?: PushStatus;
  readonly limit?: number;
  readonly json?: boolean;
}

function pushesCommand(): Command {
  return command("pushes", "list what was, or is being, brought to platforms, newest first", [
    "consents pushes --status failed",
    "consents pushes --subject 9b2f… --json",
  ])
    .option("--controller <id>", "of one controller", uuidArgument)
    .option(...ofSubject)
    .addOption(new Option("--status <status>", "in this state").choices(PushStatus.options))
    .option("--limit <n>", "at most so many", count)
    .action((options: PushFilter) =>
      withRooms(async (rooms) => output(options.json === true, await findPushes(rooms, options), pushTable)),
    );
}

/** Pushes of the chosen controllers. */
export async function findPushes(
  rooms: Rooms,
  options: PushFilter & { ids?: readonly PushId[] },
): Promise<(PushView & { controller: ControllerId; subject: SubjectId })[]> {
  const limit = limitOf(options);
  const { subject, status, ids } = options;
  const filter = {
    ...{ limit, ...(subject && { subject }), ...(ids && { ids }) },
    ...(status && { status: [status] }),
  };
  const lists = await Promise.all(
    (await controllersOf(rooms, options.controller)).map(({ id }) =>
      rooms.database.inController(id, (tx) => listPushes(tx, filter)),
    ),
  );
  return lists.flat().slice(0, limit);
}

const STYLES = {
  open: "blue",
  done: "green",
  done_verified: "green",
  unsupported: "gray",
  manual: "yellow",
  failed: "red",
  void: "gray",
} as const;

function pushTable(rows: readonly PushView[]): string {
  return table(
    rows.map((row) => ({
      push: row.id,
      connector: row.connector,
      purpose: row.purpose,
      state: row.state,
      outcome: paint(STYLES[row.status], row.status),
      reason: row.reason ?? row.error?.split(": ")[0] ?? null,
      attempts: row.attempts,
      settled: shortTime(row.settledAt),
    })),
    "Nothing was to be brought anywhere yet.",
  );
}
