import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire, findPackageJSON } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadingErrors } from "./errors.ts";

/** Where a connector's code begins, and the folder that is all its own. */
export interface Location {
  readonly file: string;
  readonly folder: string;
}

/** The folder of the connectors that Lethe ships. */
export const SHIPPED = dirname(fileURLToPath(import.meta.url));

/** TypeScript first: what is compiled beside it may be older. */
const ENTRIES = ["index.ts", "index.mts", "index.js", "index.mjs"];

/** Every folder here with an entry, in alphabetical order: a new platform is a new folder, and no list. */
export function shippedFolders(): string[] {
  return readdirSync(SHIPPED, { withFileTypes: true })
    .filter((found) => found.isDirectory() && entryOf(join(SHIPPED, found.name)) !== undefined)
    .map(({ name }) => name)
    .sort();
}

/**
 * Finds a connector: a folder with an index, a file, or else the name of a package; all as seen from the working
 * directory. Throws `connector/not-found`.
 */
export function locate(from: string): Location {
  const path = resolve(from);
  if (!existsSync(path)) return locatePackage(from);
  if (!statSync(path).isDirectory()) return { file: path, folder: dirname(path) };
  const file = entryOf(path);
  if (file === undefined) throw loadingErrors.notFound(from);
  return { file, folder: path };
}

function entryOf(folder: string): string | undefined {
  return ENTRIES.map((name) => join(folder, name)).find((file) => existsSync(file));
}

function locatePackage(name: string): Location {
  const here = resolve("package.json");
  try {
    const manifest = findPackageJSON(name, here);
    if (manifest === undefined) throw loadingErrors.notFound(name);
    return { file: createRequire(here).resolve(name), folder: dirname(manifest) };
  } catch {
    throw loadingErrors.notFound(name);
  }
}
