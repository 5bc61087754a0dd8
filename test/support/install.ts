import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * `npm install <tarball>` in the working directory, without asking a registry for 700 MB that lie beside it already: what
 * was packed is unpacked and its commands are linked, as npm does, and of all packages that the checkout has those that it
 * declares are linked beside it. What it should have declared, it does not find.
 */
interface Manifest {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const CHECKOUT = fileURLToPath(new URL("../../node_modules", import.meta.url));
const [tarball = ""] = process.argv.slice(2);
const modules = resolve("node_modules");
const unpacked = join(modules, "lethe");

mkdirSync(unpacked, { recursive: true });
execFileSync("tar", ["--extract", "--file", tarball, "--directory", unpacked, "--strip-components=1"]);
const { name, bin, dependencies } = readJson<Manifest>(join(unpacked, "package.json"));
for (const dependency of Object.keys(dependencies))
  link(join(CHECKOUT, dependency), join(modules, dependency));
for (const [command, file] of Object.entries(bin)) link(join(unpacked, file), join(modules, ".bin", command));
const own = readJson<object>("package.json");
writeFileSync(
  "package.json",
  JSON.stringify({ ...own, dependencies: { [name]: `file:${relative(".", tarball)}` } }, undefined, 2),
);
process.stdout.write(
  `unpacked ${name}, and linked the ${Object.keys(dependencies).length} packages that it declares\n`,
);

function link(there: string, here: string): void {
  mkdirSync(dirname(here), { recursive: true });
  symlinkSync(there, here);
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}
