import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Argument, Command, InvalidArgumentError } from "commander";
import { type Config, readConfig } from "#config";
import { controllerErrors } from "#controllers";
import { type ControllerRow, openRooms, type Rooms, runningHub } from "#hub";
import { ControllerId, LetheError } from "#schemas";

/** A command with its arguments (`add <name>`), each read by `parse`, `--json`, and examples under its help. */
export function command(
  usage: string,
  description: string,
  examples: readonly string[],
  parse: (text: string) => string = (text) => text,
): Command {
  const [name = "", ...parameters] = usage.split(" ");
  const made = group(name, description, examples);
  for (const parameter of parameters) {
    const argument = new Argument(parameter);
    const collect = (text: string, before: string[] = []) => [...before, parse(text)];
    made.addArgument(argument.variadic ? argument.argParser(collect) : argument.argParser(parse));
  }
  return made.option("--json", "print JSON for programs");
}

/** A command that only holds others. */
export function group(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ lethe ${example}`).join("\n")}`);
}

/** Opens the database and the keys for a command, beside a running hub or without one, and closes them again. */
export async function withRooms<T>(work: (rooms: Rooms) => Promise<T>): Promise<T> {
  const rooms = await openRooms(readConfig(process.env));
  try {
    return await work(rooms);
  } finally {
    await rooms.close();
  }
}

/** The hub's address as platforms reach it: as configured, as the running hub says, or as it would be. */
export function baseUrl(config: Config): string {
  const port = config.port === 0 ? "" : `:${config.port}`;
  return config.publicUrl ?? runningHub(config.dataDir)?.url ?? `http://${config.host}${port}`;
}

/** The controllers that a command is about: the one it names, or all. */
export async function controllersOf(rooms: Rooms, id: string | undefined): Promise<readonly ControllerRow[]> {
  const all = await rooms.controllers();
  const chosen = id === undefined ? all : all.filter((controller) => controller.id === id);
  if (id !== undefined && chosen.length === 0) throw controllerErrors.unknown(id);
  return chosen;
}

/** For commander: a positive whole number. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a positive whole number.");
  return value;
}

/** For commander, which catches what it throws only where it reads options and arguments: a UUID. */
export function uuidArgument(text: string): string {
  if (!ControllerId.safeParse(text).success) throw new InvalidArgumentError("It must be a UUID.");
  return text;
}

/** A value given as `-` is read from standard input, so that it stands in no shell history and no process list. */
export async function secretValue(text: string): Promise<string> {
  if (text !== "-") return text;
  if (process.stdin.isTTY) return typedUnseen();
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** Asks on the terminal, without showing what is typed. */
async function typedUnseen(): Promise<string> {
  process.stderr.write("Type or paste the value, then press Enter (it is not shown): ");
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/** Everything, for programs; a screenful for people. */
export function limitOf(options: { limit?: number; json?: boolean }): number {
  return options.limit ?? (options.json === true ? 1_000_000 : 50);
}

/** For commander: a time of ISO 8601, in UTC. */
export function isoTime(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new LetheError("cli/bad-time", `"${text}" is not an ISO 8601 time`);
  return new Date(time).toISOString();
}

/** A file that is JSON. Throws `cli/unreadable-file`, which names it and nothing in it. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new LetheError("cli/unreadable-file", `${file} cannot be read as JSON`);
  }
}
