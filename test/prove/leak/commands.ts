import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "../../support/hub-process.ts";

/** Commands beside a running hub, one after the other. What they print is kept. */
export interface Commands {
  /** In this process: a fifth of the time of one of its own. Throws if it does not succeed. */
  run(args: readonly string[], options?: Options): Promise<string>;
  json<T>(args: readonly string[], options?: Options): Promise<T>;
  /** As an operator runs it: a process of its own, whatever its exit code. */
  apart(args: readonly string[], input?: string): Promise<string>;
  readonly printed: string[];
}

export interface Options {
  readonly input?: string;
  /** What the command is there to show. It is taken out of what is kept. */
  readonly shows?: readonly string[];
  /** It is to be refused. */
  readonly fails?: boolean;
}

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

/** `environment` is for those apart, beside the settings: that they reach no platform but the simulated ones. */
export function commandsIn(
  settings: Record<string, string>,
  environment: Record<string, string>,
  cwd: string,
): Commands {
  const printed: string[] = [];
  let last: Promise<unknown> = Promise.resolve();

  const commands: Commands = {
    printed,
    run(args, options = {}) {
      const mine = last.then(() => here(args, options));
      last = mine.catch(() => {});
      return mine;
    },
    json: async (args, options) => JSON.parse(await commands.run([...args, "--json"], options)),
    async apart(args, input = "") {
      const child = spawn(process.execPath, [MAIN, ...args], {
        cwd,
        env: childEnvironment({ ...environment, ...settings }),
      });
      child.stdin.end(input);
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
      printed.push(out, err);
      return out;
    },
  };
  return commands;

  async function here(args: readonly string[], { input = "", shows = [], fails = false }: Options) {
    const { runCommand } = await import("#cli");
    const before = Object.keys(settings).map((name) => [name, process.env[name]] as const);
    const { write: out } = process.stdout;
    const { write: err } = process.stderr;
    const stdin = Object.getOwnPropertyDescriptor(process, "stdin");
    const said = { out: "", err: "" };
    const keep = (where: "out" | "err") => (chunk: string | Uint8Array) => {
      said[where] += chunk.toString();
      return true;
    };
    Object.assign(process.env, settings);
    Object.defineProperty(process, "stdin", {
      value: Readable.from([Buffer.from(input)]),
      configurable: true,
    });
    process.stdout.write = keep("out");
    process.stderr.write = keep("err");
    let code: number;
    try {
      process.exitCode = 0;
      await runCommand(args);
      code = Number(process.exitCode);
    } finally {
      process.exitCode = 0;
      process.stdout.write = out;
      process.stderr.write = err;
      if (stdin !== undefined) Object.defineProperty(process, "stdin", stdin);
      for (const [name, value] of before)
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
    }
    printed.push(shows.reduce((left, shown) => left.replaceAll(shown, ""), `${said.out}\n${said.err}`));
    if ((code === 0) === fails) throw new Error(`lethe ${args[0]} ${args[1]} ended with ${code}`);
    return said.out;
  }
}
