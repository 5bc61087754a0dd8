import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { Settings } from "#config";
import { connectors } from "#connectors";
import { attachEmbedded } from "#database";
import { childEnvironment } from "#test";

/** What the documentation tells people to paste is pasted: every `sh` block, in order, in one shell. */
const INSTALLED = "npm ci && "; // .ci/run does this part, and runs the tests in the README's words
const START = `${INSTALLED}npm start\n`;
const TEST = `${INSTALLED}npm test\n`;
/** What is typed or piped where a command asks for a value. */
const TYPED = "client-id&a-secret-of-the-platform"; // SurveyMonkey's has two parts

/** How many blocks are pasted with npx itself, which takes a second to find what it is to run. */
const BY_NPX = 1;
/** The same without that second. */
const DIRECTLY =
  'npx() { if [ "$1" = lethe ]; then shift; node src/cli/lethe.mjs "$@"; else command npx "$@"; fi; }\n';

const folder = mkdtempSync(join(tmpdir(), "lethe-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function blocks(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent = "", block = ""]) => block.replace(new RegExp(`^${indent}`, "gm"), ""),
  );
}

test("the README's commands do what it says, from the first start to the offline check of the log", {
  timeout: 120_000,
}, async () => {
  const [start, suite, ...rest] = blocks("README.md");
  expect([start, suite]).toEqual([START, TEST]);
  const port = await freePort();
  const environment = childEnvironment({ LETHE_DATA_DIR: folder, PORT: String(port), LOG_LEVEL: "warn" });
  const hub = spawn("bash", ["-c", START.replace(INSTALLED, "exec ")], { env: environment, detached: true });
  let greeting = "";
  hub.stdout.on("data", (chunk: Buffer) => {
    greeting += chunk.toString("utf8");
  });
  const stopped = new Promise((resolve) => hub.on("exit", resolve));
  try {
    await expect.poll(() => greeting, { timeout: 20_000 }).toContain("Try next");
    const script = [...rest.slice(0, BY_NPX), DIRECTLY, ...rest.slice(BY_NPX)];
    expect(script.slice(0, BY_NPX).join("")).toContain("npx lethe deliveries list");
    const { code, output } = await paste(script, environment);
    expect(code, output.slice(-3_000)).toBe(0);
    expect(output).toContain('{"status":"accepted"');
    expect(output).toContain("did:lethe:");
    expect(output).toContain("The audit log holds.");
    const connected = [...readFileSync("README.md", "utf8").matchAll(/npx lethe connection add (\w+)/g)];
    expect(connected.length).toBeGreaterThan(9);
    for (const [, id = ""] of connected) expect(output).toContain(`Connected ${connectors.get(id)?.name}`);
  } finally {
    process.kill(-(hub.pid ?? 0), "SIGTERM");
    await stopped;
  }
});

test("every other document's commands can be pasted too", { timeout: 60_000 }, async () => {
  // The guide for authors has a test of its own.
  const others = readdirSync("docs").filter((name) => name !== "connectors.md");
  // Without a hub each command would start the database, and stop it again.
  const server = await attachEmbedded(folder);
  onTestFinished(() => server.release());
  for (const page of ["CONTRIBUTING.md", ...others.map((name) => `docs/${name}`)])
    for (const block of blocks(page)) {
      const environment = childEnvironment({ LETHE_DATA_DIR: folder, PORT: "0" });
      const { code, output } = await paste([DIRECTLY, block], environment);
      expect(code, `${page}:\n${output.slice(-3_000)}`).toBe(0);
    }
});

test("the README names every setting, and no other", () => {
  const readme = readFileSync("README.md", "utf8");
  const [, table = ""] = /## Configuration\n([\s\S]*?)\n## /.exec(readme) ?? [];
  const named = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  );
  expect(named.sort()).toEqual(Object.keys(Settings.shape).sort());
});

test("the README justifies every dependency, and no other", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const [, table = ""] = /## Dependencies\n([\s\S]*?)\n## /.exec(readFileSync("README.md", "utf8")) ?? [];
  const named = [...table.matchAll(/`(@[\w.-]+\/[\w.-]+|[a-z0-9/_-]+)`/g)].map(([, name]) => name);
  const needed = Object.keys({ ...dependencies, ...devDependencies });
  expect(named.sort()).toEqual(needed.filter((name) => !name.startsWith("@types/")).sort());
});

test("links between documents lead somewhere", () => {
  const pages = ["README.md", "CONTRIBUTING.md", ...readdirSync("docs").map((name) => `docs/${name}`)];
  for (const page of pages)
    for (const [, link = ""] of readFileSync(page, "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g))
      expect({ page, link, there: existsSync(join(page, "..", link)) }).toEqual({ page, link, there: true });
});

/** Runs blocks in one shell, so that what one sets the next can use; stops at the first command that fails. */
async function paste(script: readonly string[], env: Record<string, string>) {
  writeFileSync(join(folder, "typed"), `${TYPED}\n`);
  const files = script.map((block, i) => {
    const path = join(folder, `${i}.sh`);
    writeFileSync(path, block.replaceAll("acme-log.jsonl", join(folder, "acme-log.jsonl")));
    return `source ${path} < ${join(folder, "typed")}`;
  });
  const shell = spawn("bash", ["-c", ["set -exo pipefail", ...files].join("\n")], { env });
  let output = "";
  for (const stream of [shell.stdout, shell.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
  const code = await new Promise((resolve) => shell.on("close", resolve));
  return { code, output };
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    }),
  );
}
