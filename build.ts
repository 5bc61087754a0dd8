import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes `dist`, which is what the npm package runs, because Node strips no types inside node_modules
 * (https://nodejs.org/api/typescript.html#type-stripping-in-dependencies). The checkout runs without it.
 */
const ROOT = import.meta.dirname;
const DIST = join(ROOT, "dist");
/** What runs or is read as it is. */
const AS_IT_IS = ["src/database/migrations", "src/audit/offline-verifier.mjs", "connectors", "fixtures"];

rmSync(DIST, { recursive: true, force: true });
execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["--project", join(ROOT, "tsconfig.build.json")], {
  stdio: "inherit",
});
for (const path of AS_IT_IS)
  cpSync(join(ROOT, path), join(DIST, path), { recursive: true, filter: (file) => !file.endsWith(".ts") });

/** The rooms' names again, for what was built: Node and TypeScript look into the nearest package.json. */
const { version, imports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  version: string;
  imports: Record<string, string>;
};
const built = Object.entries(imports)
  .filter(([name]) => name !== "#test")
  .map(([name, path]) => [name, path.replace(/\.ts$/, ".js")]);
writeFileSync(
  join(DIST, "package.json"),
  `${JSON.stringify({ type: "module", version, imports: Object.fromEntries(built) }, null, 2)}\n`,
);
