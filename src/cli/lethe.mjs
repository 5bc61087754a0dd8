#!/usr/bin/env node
// Runs on whatever Node there is, to start the one that this package pins: type stripping needs Node 24.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// A checkout runs as it is written; a package, where Node strips no types, runs what was built of it.
const written = new URL("../main.ts", import.meta.url);
const built = new URL("../../dist/src/main.js", import.meta.url);
const main = fileURLToPath(existsSync(written) ? written : built);
const major = Number(process.versions.node.split(".")[0]);

if (major >= 24) {
  // As main.ts does for all that it loads; done here, its own types need not be stripped at every start, which takes 45 ms.
  module.enableCompileCache(join(dirname(main), "../node_modules/.cache/lethe"));
  await import(main);
} else {
  const pinned = pinnedNode();
  if (pinned === undefined) {
    process.stderr.write(
      "Lethe needs Node.js 24. The npm package `node` brings it, but its install script has not run: `npm rebuild node`\n",
    );
    process.exit(1);
  }
  const child = spawn(
    pinned,
    [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      stdio: "inherit",
    },
  );
  for (const signal of ["SIGTERM", "SIGINT"])
    process.on(signal, () => child.kill(/** @type {NodeJS.Signals} */ (signal)));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}

/** Beside Lethe's own modules in a checkout, beside Lethe itself where it is installed. */
function pinnedNode() {
  try {
    const path = join(module.createRequire(import.meta.url).resolve("node/package.json"), "../bin/node");
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
