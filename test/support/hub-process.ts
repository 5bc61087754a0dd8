import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** As `npm start` says it. */
const [, , ...START] = (
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: { start: string } }
).scripts.start
  .split(" ")
  .map((word) => (/\.(ts|mjs)$/.test(word) ? join(ROOT, word) : word));

export interface HubProcess {
  readonly url: string;
  readonly pid: number;
  /** Everything that it printed. */
  output(): string;
  /** SIGTERM, as an operator stops it; resolves with its exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  readonly exited: Promise<number | null>;
}

/** What a child process gets of the environment: what it needs to run, and what the test says. */
export const childEnvironment = (settings: Record<string, string>) => ({
  PATH: process.env.PATH ?? "",
  HOME: process.env.HOME ?? "",
  NO_COLOR: "1",
  ...settings,
  ...changed(settings),
});

/** A harness's child runs the changed build that the harness runs (`test/prove/changed-build.ts`), with changes of its own after that. */
function changed({ LETHE_PROVE_CHANGES: own = "[]", NODE_OPTIONS: options = "" }: Record<string, string>) {
  const { LETHE_PROVE_CHANGES: all, NODE_OPTIONS = "" } = process.env;
  if (all === undefined) return {};
  return {
    LETHE_PROVE_CHANGES: JSON.stringify([...JSON.parse(all), ...JSON.parse(own)]),
    NODE_OPTIONS: `${NODE_OPTIONS} ${options}`,
  };
}

/** Starts the hub as a process of its own on a free port; resolves when it says that it is ready. */
export async function startHubProcess(settings: Record<string, string>, cwd = ROOT): Promise<HubProcess> {
  const child = spawn(process.execPath, START, {
    cwd,
    env: childEnvironment({ PORT: "0", LOG_LEVEL: "info", ...settings }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const exited = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
  const url = await new Promise<string>((ready, failed) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString("utf8");
      const address = /"url":"(http:[^"]+)".*"msg":"ready"/.exec(output)?.[1];
      if (address !== undefined) ready(address);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    void exited.then((code) => failed(new Error(`the hub exited with ${code}:\n${output}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    stop: () => signal(child, "SIGTERM", exited),
    kill: async () => {
      await signal(child, "SIGKILL", exited);
    },
  };
}

function signal(
  child: ChildProcess,
  name: NodeJS.Signals,
  exited: Promise<number | null>,
): Promise<number | null> {
  child.kill(name);
  return exited;
}
