import { Command, CommanderError } from "commander";
import { describeError, LetheError } from "#schemas";
import { auditCommand } from "./audit.ts";
import { connectionCommand } from "./connection.ts";
import { connectorCommand } from "./connector.ts";
import { consentsCommand } from "./consents.ts";
import { controllerCommand } from "./controller.ts";
import { deliveriesCommand } from "./deliveries.ts";
import { doctorCommand } from "./doctor.ts";
import { keysCommand } from "./keys.ts";
import { migrateCommand } from "./migrate.ts";
import { paint } from "./print.ts";
import { processingCommand } from "./processing.ts";
import { activitiesCommand } from "./records.ts";
import { rightsCommand } from "./rights.ts";
import { sendCommand } from "./send.ts";
import { startCommand } from "./start.ts";
import { subjectsCommand } from "./subjects.ts";

/** Exit codes: 0 done · 1 a finding, or the operation was refused · 2 wrong usage, or the hub already runs. */
const USAGE = 2;

/** Runs one command. Sets the exit code; never prints personal data, and of an unexpected error only its code. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  const program = new Command("lethe")
    .description("Lethe, a privacy integration hub: webhooks in, evidence out, personal data forgotten")
    .addHelpText(
      "after",
      "\nExamples:\n  $ lethe start\n  $ lethe controller add 'Acme GmbH' --environment sandbox\n  $ lethe deliveries list --status failed\n  $ lethe audit verify --json\n\nEvery command takes --json and --help.",
    );
  for (const make of COMMANDS) program.addCommand(make());
  throwInsteadOfExiting(program);
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    else fail(error, argv.includes("--json"));
  }
}

const COMMANDS = [
  startCommand,
  migrateCommand,
  doctorCommand,
  controllerCommand,
  connectionCommand,
  connectorCommand,
  sendCommand,
  deliveriesCommand,
  subjectsCommand,
  activitiesCommand,
  consentsCommand,
  rightsCommand,
  auditCommand,
  processingCommand,
  keysCommand,
];

function throwInsteadOfExiting(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExiting(child);
}

function fail(error: unknown, json: boolean): void {
  const { code, message } = describeError(error);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.stderr.write(`${paint("red", "error", process.stderr)} ${message} [${code}]\n`);
  const usage = error instanceof LetheError && /^(cli|config)\/|^hub\/already-running$/.test(error.code);
  process.exitCode = usage ? USAGE : 1;
}
