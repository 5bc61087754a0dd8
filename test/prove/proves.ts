import { execFile } from "node:child_process";
import { expect, inject, test } from "vitest";
import { childEnvironment } from "../support/hub-process.ts";

/** A harness's dose for every run of the suite: it finds out its first broken builds, and then fails to break this one. */
export function proves(name: string, options: { seconds: number; broken: number; seed?: number }): void {
  test(`${name} breaks ${options.broken} broken build${options.broken === 1 ? "" : "s"}, and not this one`, {
    timeout: 180_000,
  }, async () => {
    const { seconds, broken, seed = 1 } = options;
    const args = ["--for", `${seconds}s`, "--broken", String(broken), "--seed", String(seed), "--json"];
    const environment = childEnvironment({ LETHE_PROVE_SERVER: inject("server") });
    const { code, stdout, stderr } = await run([`test/prove/prove.ts`, name, ...args], environment);
    expect(code, `${stderr}\n${stdout}`).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ foundOut: broken, broken: [] });
    process.stdout.write(`${name}: ${stdout}`);
  });
}

function run(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { env, encoding: "utf8", maxBuffer: 1e8 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
