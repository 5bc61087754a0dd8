#!/usr/bin/env node
// Runs on whatever Node there is, to start the one that this package pins: type stripping needs Node 24.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const pinned = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
const major = Number(process.versions.node.split(".")[0]);

if (major >= 24) await import(main);
else {
  const child = spawn(existsSync(pinned) ? pinned : "node", [main, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGTERM", "SIGINT"])
    process.on(signal, () => child.kill(/** @type {NodeJS.Signals} */ (signal)));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}
