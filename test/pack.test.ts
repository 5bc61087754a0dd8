import { execFile, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acme, childEnvironment } from "#test";

/** The package as an author of connectors has it: packed, installed into an empty folder, run on the machine's own Node.js. */
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "lethe-pack-"));
chmodSync(folder, 0o711); // PostgreSQL runs as another user if this runs as root
const environment = {
  ...childEnvironment({ LETHE_CONNECTORS: "./acme", PORT: "0" }),
  // Without the checkout's commands, which `npm test` puts first.
  PATH: (process.env.PATH ?? "")
    .split(delimiter)
    .filter((path) => !path.includes("node_modules"))
    .join(delimiter),
  ...(process.env.npm_config_cache && { npm_config_cache: process.env.npm_config_cache }),
  ...(process.env.npm_config_registry && { npm_config_registry: process.env.npm_config_registry }),
};
const inFolder = { cwd: folder, env: environment };
let tarball = "";

beforeAll(async () => {
  await run("npm", ["pack", "--pack-destination", folder], { env: environment });
  tarball = `lethe-${manifest("package.json").version}.tgz`;
  writeLock();
  await run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], inFolder);
  acme(join(folder, "acme"), { kit: "lethe/kit" });
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("it holds what it runs, and nothing else", async () => {
  const { stdout } = await run("tar", ["--list", "--file", join(folder, tarball)]);
  const files = stdout.trim().split("\n");
  for (const needed of [
    "dist/src/main.js",
    "dist/src/kit/author.d.ts",
    "dist/fixtures/shopify/orders-create.http",
    "docs/connectors.md",
    "connectors/generic/README.md",
  ])
    expect(files).toContain(`package/${needed}`);
  expect(files.filter((file) => /\.test\.|\.lethe|(?<!\.d)\.ts$|\/test\/|node_modules/.test(file))).toEqual(
    [],
  );
});

test("it gives TypeScript the kit with its types, without any other package", async () => {
  writeFileSync(
    join(folder, "acme/wrong.ts"),
    'import { activity, type Connector } from "lethe/kit";\n// @ts-expect-error: it has no id\nexport const one: Connector = {};\n// @ts-expect-error: a name is text\nactivity(1);\n',
  );
  const compilerOptions = {
    ...{ module: "nodenext", target: "es2022", strict: true, noEmit: true, verbatimModuleSyntax: true },
    ...{ skipLibCheck: false, types: [] },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["acme"] }));
  const { stdout } = await run(resolve("node_modules/.bin/tsc"), ["--project", folder], inFolder).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe("");
});

test("it runs an author's connector: the hub with its own database, a signed sample, and the verdict on it", async () => {
  const lethe = async <T>(...args: string[]): Promise<T> =>
    JSON.parse((await run("npx", ["lethe", ...args, "--json"], inFolder)).stdout);
  expect(await lethe("connector", "list")).toContainEqual(
    expect.objectContaining({ id: "acme", name: "Acme" }),
  );

  const hub = spawn("node_modules/.bin/lethe", ["start"], inFolder);
  let output = "";
  for (const stream of [hub.stdout, hub.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
  const stopped = new Promise((done) => hub.on("exit", done));
  try {
    await expect.poll(() => output, { timeout: 30_000 }).toMatch(/Acme .* 200[\s\S]*Try next/);
    expect(await lethe("send", "acme", "customer-created")).toMatchObject({ status: 200 });
    expect(await lethe("doctor")).toMatchObject({ ok: true });
  } finally {
    hub.kill("SIGTERM");
    expect(await stopped).toBe(0);
  }
}, 60_000);

interface Manifest {
  readonly version: string;
  readonly [field: string]: unknown;
}

function manifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** The versions that are tested here, which `npm ci` has left in npm's cache: so that no registry has to answer. */
function writeLock(): void {
  const app = { name: "app", version: "1.0.0", dependencies: { lethe: `file:${tarball}` } };
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  const needed = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional,
  );
  const { version, dependencies, bin, engines } = manifest("package.json");
  const lock = {
    ...app,
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": app,
      ...Object.fromEntries(needed),
      "node_modules/lethe": { version, resolved: `file:${tarball}`, dependencies, bin, engines },
    },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(app));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
}
