import { renameSync, writeFileSync } from "node:fs";
import { getHeapSpaceStatistics } from "node:v8";

// Loaded into the hub before anything else: on SIGUSR2 it collects its garbage and says what is left.
const file = process.env.LETHE_PROVE_HEAP ?? "";

/**
 * Where V8 keeps what it makes of functions: bytecode, machine code, and what it knows of both. A function is compiled anew
 * with each tier that it reaches, tens of thousands of requests after the first; the program's text bounds it, not the load.
 */
const COMPILED = /^(shared_)?(code|trusted)_/;

process.on("SIGUSR2", () => {
  for (let i = 0; i < 2; i++) globalThis.gc?.(); // what the first finds dead may have kept something else
  const { heapUsed, external } = process.memoryUsage();
  const compiled = getHeapSpaceStatistics()
    .filter(({ space_name: name }) => COMPILED.test(name))
    .reduce((sum, { space_used_size: used }) => sum + used, 0);
  const resources = process.getActiveResourcesInfo().length;
  writeFileSync(`${file}.new`, JSON.stringify({ live: heapUsed + external - compiled, compiled, resources }));
  renameSync(`${file}.new`, file);
});
