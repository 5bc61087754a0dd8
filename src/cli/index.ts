import { Command, CommanderError } from "commander";
import { describeError, LetheError } from "#schemas";
import { paint } from "./print.ts";

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
  for (const load of wanted(argv[0])) program.addCommand(await load());
  throwInsteadOfExiting(program);
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    else fail(error, argv.includes("--json"));
  }
}

/** Each is loaded when it is what was asked for: all of them, with what they need, would be half of a command's time. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import("./start.ts")).startCommand(),
  migrate: async () => (await import("./migrate.ts")).migrateCommand(),
  doctor: async () => (await import("./doctor.ts")).doctorCommand(),
  controller: async () => (await import("./controller.ts")).controllerCommand(),
  connection: async () => (await import("./connection.ts")).connectionCommand(),
  connector: async () => (await import("./connector.ts")).connectorCommand(),
  send: async () => (await import("./send.ts")).sendCommand(),
  deliveries: async () => (await import("./deliveries.ts")).deliveriesCommand(),
  subjects: async () => (await import("./subjects.ts")).subjectsCommand(),
  activities: async () => (await import("./records.ts")).activitiesCommand(),
  consents: async () => (await import("./consents.ts")).consentsCommand(),
  rights: async () => (await import("./rights.ts")).rightsCommand(),
  audit: async () => (await import("./audit.ts")).auditCommand(),
  processing: async () => (await import("./processing.ts")).processingCommand(),
  keys: async () => (await import("./keys.ts")).keysCommand(),
};

/** For help, and for what is no command, all of them. */
function wanted(name = ""): readonly (() => Promise<Command>)[] {
  const named = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return named === undefined ? Object.values(COMMANDS) : [named];
}

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
