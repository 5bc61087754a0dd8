import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { childEnvironment } from "./hub-process.ts";

const LETHE = fileURLToPath(new URL("../../src/cli/lethe.mjs", import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** What `--json` printed. */
  json<T>(): T;
}

/** Runs a command as a process of its own; resolves with what it printed, whatever its exit code. */
export async function runLethe(
  args: readonly string[],
  settings: Record<string, string>,
  input = "",
  cwd = process.cwd(),
): Promise<CommandResult> {
  const child = spawn(process.execPath, [LETHE, ...args], { cwd, env: childEnvironment(settings) });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString("utf8");
  });
  child.stdin.on("error", () => {}); // a command that does not read it may be gone already
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err, json: () => JSON.parse(out) };
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command in this process, one after the other: a fifth of the time. For what a command does and says; that it
 * starts and ends as it should is for {@link runLethe} to show.
 */
export function callLethe(args: readonly string[], settings: Record<string, string>): Promise<CommandResult> {
  const mine = last.then(() => call(args, settings));
  last = mine.catch(() => {});
  return mine;
}

async function call(args: readonly string[], settings: Record<string, string>): Promise<CommandResult> {
  const { runCommand } = await import("#cli");
  const printed = { out: "", err: "" };
  const keep = (where: "out" | "err") => (text: string | Uint8Array) => {
    printed[where] += text.toString();
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(keep("out")),
    vi.spyOn(process.stderr, "write").mockImplementation(keep("err")),
  ];
  for (const [name, value] of Object.entries({ ...settings, NO_COLOR: "1" })) vi.stubEnv(name, value);
  try {
    process.exitCode = 0;
    await runCommand(args);
    return { code: Number(process.exitCode), ...printed, json: () => JSON.parse(printed.out) };
  } finally {
    process.exitCode = 0;
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}
