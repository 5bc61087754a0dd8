import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Change } from "./changed-build.ts";

// Loaded before anything else: changes the product's text as it is loaded.
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const changes = JSON.parse(process.env.LETHE_PROVE_CHANGES ?? "[]") as Change[];
const byUrl = Map.groupBy(changes, ({ file }) => pathToFileURL(join(ROOT, file)).href);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const here = byUrl.get(url);
    if (here === undefined || loaded.source === undefined) return loaded;
    const text =
      typeof loaded.source === "string"
        ? loaded.source
        : Buffer.from(loaded.source as Uint8Array).toString("utf8");
    return { ...loaded, source: here.reduce(change, text) };
  },
});

function change(text: string, { file, at, instead }: Change): string {
  const parts = text.split(at);
  if (parts.length !== 2) {
    process.stderr.write(
      `a changed build: ${file} has ${parts.length - 1} places that read ${JSON.stringify(at)}\n`,
    );
    process.exit(70);
  }
  return parts.join(instead);
}
