import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { childEnvironment } from "#test";

/**
 * The guide for authors of connectors, followed word for word in an empty folder beside a checkout: what is to be pasted
 * is pasted, files are written as they are shown, and every snippet is checked and loaded.
 */
const INSTALLED = "npm ci && "; // .ci/run does this part
/**
 * The installation of the package is the dearest line by far: a minute of processor time and 700 MB from a registry. What
 * it has to show is shown by unpacking the package beside the packages that it declares (`test/support/install.ts`);
 * `LETHE_TEST_INSTALL=npm` has npm itself do it, which a release should have done. And npx takes a second for each command to find it.
 */
const CHEAPLY =
  process.env.LETHE_TEST_INSTALL === "npm"
    ? ""
    : `npm() { if [ "$1" = install ]; then ${process.execPath} ${resolve("test/support/install.ts")} "$2"; else command npm "$@"; fi; }
npx() { if [ "$1" = lethe ] && [ -x node_modules/.bin/lethe ]; then shift; node_modules/.bin/lethe "$@"; else command npx "$@"; fi; }
`;
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "lethe-guide-"));
chmodSync(folder, 0o711); // PostgreSQL runs as another user if this runs as root

type Block =
  | { kind: "paste"; text: string }
  | { kind: "file"; path: string; text: string }
  | { kind: "snippet"; text: string };

const blocks: Block[] = [
  ...readFileSync("docs/connectors.md", "utf8").matchAll(
    /(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm,
  ),
].map(([, path, language, text = ""]) => {
  if (path !== undefined) return { kind: "file", path, text };
  if (language !== "sh" && language !== "ts")
    throw new Error(`the guide has a block of ${language} that nothing checks`);
  return { kind: language === "sh" ? "paste" : "snippet", text };
});

const environment: Record<string, string> = {
  ...childEnvironment({ PORT: "0", LOG_LEVEL: "warn" }),
  // Without the checkout's commands, which `npm test` puts first.
  PATH: (process.env.PATH ?? "")
    .split(delimiter)
    .filter((path) => !path.includes("node_modules"))
    .join(delimiter),
  npm_config_prefer_offline: "true",
  npm_config_audit: "false",
  npm_config_fund: "false",
  ...(process.env.npm_config_cache && { npm_config_cache: process.env.npm_config_cache }),
  ...(process.env.npm_config_registry && { npm_config_registry: process.env.npm_config_registry }),
};
let cwd = folder;
let hub: ChildProcess | undefined;
let said = "";

beforeAll(() => {
  // What is built and packed; other tests write beside it.
  for (const part of ["src", "connectors", "schemas", "fixtures", "docs", "README.md", "LICENSE"])
    cpSync(part, join(folder, "lethe", part), { recursive: true });
  for (const file of ["package.json", "tsconfig.json", "tsconfig.build.json", "build.ts"])
    cpSync(file, join(folder, "lethe", file));
  symlinkSync(resolve("node_modules"), join(folder, "lethe/node_modules"));
});
afterAll(async () => {
  if (hub?.pid !== undefined) {
    const stopped = new Promise((done) => hub?.on("exit", done));
    process.kill(-hub.pid, "SIGTERM");
    await stopped;
  }
  rmSync(folder, { recursive: true, force: true });
});

test("the guide ends with a connector that passes, and a hub that runs it", {
  timeout: 180_000,
}, async () => {
  for (const block of blocks)
    if (block.kind === "file") {
      mkdirSync(dirname(join(cwd, block.path)), { recursive: true });
      writeFileSync(join(cwd, block.path), block.text);
    } else if (block.kind === "paste") {
      if (block.text.includes("lethe start")) await start(block.text);
      else said += await paste(block.text);
    }
  expect(said.match(/loyal passes all \d+ checks/g)).toHaveLength(2);
  expect(said).toMatch(/\| `member\.left` \| `member\.left` \|/);
  expect(said.match(/"status":"\w+"/g)).toEqual(['"status":"duplicate"', '"status":"accepted"']);
  expect(said).toMatch(/member\.joined[\s\S]*Loyal/);
  expect(said).toContain("quick-try passes all");
});

test("the package holds what it runs, and nothing else", async () => {
  const { stdout } = await run("tar", ["--list", "--file", join(folder, "lethe/lethe-0.1.0.tgz")]);
  const files = stdout.trim().split("\n");
  for (const needed of [
    "dist/src/main.js",
    "dist/src/kit/author.d.ts",
    "dist/fixtures/shopify/orders-create.http",
    "docs/connectors.md",
  ])
    expect(files).toContain(`package/${needed}`);
  expect(files.filter((file) => /\.test\.|\.lethe|(?<!\.d)\.ts$|\/test\/|node_modules/.test(file))).toEqual(
    [],
  );
});

test("the package declares what it imports, and imports what it declares", () => {
  const { name, dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const code = globSync("dist/**/*.{js,mjs}", { cwd: join(folder, "lethe") }).map((file) =>
    readFileSync(join(folder, "lethe", file), "utf8"),
  );
  const imported = code.flatMap((text) =>
    [
      ...text.matchAll(
        /(?:\bfrom |\bimport |\bimport\(|\brequire\(|\)\(|\.resolve\()"((?:@[\w.-]+\/)?[\w-][\w.-]*)[/\w.-]*"/g,
      ),
    ].map(([, found]) => found),
  );
  const others = new Set([...imported, "node"]); // which it runs on
  others.delete(name); // in what it writes for authors
  expect([...others].sort()).toEqual(Object.keys(dependencies).sort());
});

test("the package gives TypeScript the kit with its types, without any other package", async () => {
  const home = join(folder, "my-connectors");
  mkdirSync(join(home, "wrong"));
  writeFileSync(join(home, "wrong/package.json"), '{ "type": "module" }');
  writeFileSync(
    join(home, "wrong/index.ts"),
    'import { activity, type Connector } from "lethe/kit";\n// @ts-expect-error: it has no id\nexport const one: Connector = {};\n// @ts-expect-error: a name is text\nactivity(1);\n',
  );
  const compilerOptions = {
    ...{ module: "nodenext", target: "es2022", strict: true, noEmit: true, verbatimModuleSyntax: true },
    ...{ skipLibCheck: false, types: [] },
  };
  writeFileSync(
    join(home, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["wrong", "loyal"] }),
  );
  const types = await run(resolve("node_modules/.bin/tsc"), ["--project", home], { cwd: home }).catch(
    (error: { stdout: string }) => error,
  );
  expect(types.stdout).toBe("");
});

test("the guide's snippets are of their types, and load", { timeout: 60_000 }, async () => {
  const home = join(folder, "my-connectors");
  const snippets = blocks.filter(({ kind }) => kind === "snippet");
  expect(snippets.length).toBeGreaterThan(3);
  mkdirSync(join(home, "snippets"));
  writeFileSync(join(home, "snippets/package.json"), '{ "type": "module" }');
  for (const [n, { text }] of snippets.entries()) writeFileSync(join(home, `snippets/${n}.ts`), text);
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  };
  writeFileSync(
    join(home, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["snippets", "loyal"] }),
  );
  const tsc = resolve("node_modules/.bin/tsc");
  const types = await run(tsc, ["--project", home], { cwd: home }).catch(
    (error: { stdout: string }) => error,
  );
  expect(types.stdout).toBe("");
  for (const n of snippets.keys())
    await run(process.execPath, ["--input-type=module", "-e", `await import("./snippets/${n}.ts")`], {
      cwd: home,
    });
});

/** In the shell's folder as it is by now; what it exports, later blocks have. */
async function paste(text: string): Promise<string> {
  const script = `set -eo pipefail\n${CHEAPLY}set -x\n${text.replace(INSTALLED, "")}pwd > ${join(folder, "cwd")}\n`;
  const done = await run("bash", ["-c", script], { cwd, env: environment, maxBuffer: 1e8 }).catch((error) => {
    throw new Error(`${text}\n${error.stdout}\n${error.stderr}`.slice(-6_000));
  });
  cwd = readFileSync(join(folder, "cwd"), "utf8").trim();
  for (const [, name = "", value = ""] of text.matchAll(/^export (\w+)=(.*)$/gm)) environment[name] = value;
  return done.stdout;
}

/** What runs in a terminal of its own. */
async function start(text: string): Promise<void> {
  hub = spawn("bash", ["-c", `exec bash <<'END'\n${text}END`], { cwd, env: environment, detached: true });
  let greeting = "";
  for (const stream of [hub.stdout, hub.stderr])
    stream?.on("data", (chunk: Buffer) => {
      greeting += chunk.toString("utf8");
    });
  await expect.poll(() => greeting, { timeout: 40_000 }).toMatch(/Loyal .* 200[\s\S]*Try next/);
}
