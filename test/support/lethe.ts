import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "./hub-process.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

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
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: childEnvironment(settings) });
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
