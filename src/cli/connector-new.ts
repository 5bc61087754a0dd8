import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, normalize, relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import { LetheError } from "#schemas";
import { command } from "./command.ts";
import { output } from "./print.ts";
import { filesOf } from "./scaffold/files.ts";
import { schemeNames, TIME_FORMATS } from "./scaffold/plan.ts";
import { type Ask, type NewOptions, planOf } from "./scaffold/questions.ts";

export function connectorNewCommand(): Command {
  return command("new <name>", "write a connector that passes its tests, ready to be filled in", [
    "connector new acme                       # asks for the rest on a terminal",
    "connector new acme --scheme hmac --header x-acme-signature --topic body:type --id body:id",
    "connector new acme --scheme github --topic header:x-github-event --account body:organization.login",
  ])
    .option("--title <text>", "the platform's own name")
    .option("--docs <url>", "the platform's page on webhooks")
    .addOption(new Option("--scheme <scheme>", "how its webhooks are signed").choices(schemeNames()))
    .option("--header <name>", "the header that carries the signature (hmac, timestamped, ecdsa)")
    .addOption(new Option("--algorithm <algorithm>", "of hmac").choices(["sha256", "sha1"]))
    .addOption(new Option("--encoding <encoding>", "of hmac").choices(["hex", "base64"]))
    .option("--prefix <text>", "what stands before the signature, e.g. sha256= (hmac)")
    .option("--signed <template>", "what is signed, e.g. '{timestamp}.{body}' (hmac; otherwise the body)")
    .option("--timestamp-header <name>", "the header that carries the time (hmac with {timestamp}, ecdsa)")
    .addOption(new Option("--timestamp-format <format>", "how it is written").choices(TIME_FORMATS))
    .option("--topic <place>", "what a request is about: header:x-topic or body:type")
    .option("--first-topic <topic>", "the topic to begin with, e.g. contact.updated")
    .option("--id <place>", "what tells one delivery from another; none if nothing does")
    .option("--account <place>", "the platform account that a request is for; none if it does not say")
    .option(
      "--dir <folder>",
      "where to write it (connectors/<name> in a checkout of Lethe, otherwise ./<name>)",
    )
    .action(async (name: string, options: NewOptions & { json?: boolean }) => {
      const ask = process.stdin.isTTY && options.json !== true ? await terminal() : undefined;
      const layout = layoutOf(name, options.dir);
      const plan = await planOf(name, options, layout.checkout ? "#kit" : "lethe/kit", ask);
      const written: string[] = [];
      const files = [...filesOf(plan)].map(([path, text]) => ({ path: layout.place(path), text }));
      for (const { path } of files) if (existsSync(path)) throw taken(path);
      for (const { path, text } of files) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
        written.push(relative(process.cwd(), path));
      }
      output(options.json === true, { id: plan.id, files: written, test: layout.test }, () =>
        [
          ...written.map((path) => `wrote ${path}`),
          "",
          "It passes its tests already. See for yourself:",
          `  npx lethe connector test ${layout.test}`,
          "Then replace the sample by the platform's own, and fill in what its events mean: docs/connectors.md",
        ].join("\n"),
      );
    });
}

interface Layout {
  readonly checkout: boolean;
  /** Where a file of the connector goes. */
  readonly place: (path: string) => string;
  /** What `lethe connector test` takes. */
  readonly test: string;
}

/** In a checkout of Lethe, code and fixtures have folders of their own; elsewhere they lie together. */
function layoutOf(name: string, dir: string | undefined): Layout {
  if (dir === undefined && isCheckout(process.cwd()))
    return {
      checkout: true,
      place: (path) =>
        path.startsWith("fixtures/")
          ? resolve("fixtures", name, path.slice("fixtures/".length))
          : resolve("connectors", name, path),
      test: name,
    };
  const folder = dir ?? name;
  const named = isAbsolute(folder) ? folder : `./${normalize(folder)}`;
  return { checkout: false, place: (path) => resolve(folder, path), test: named };
}

function isCheckout(folder: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: unknown };
    return name === "lethe" && existsSync(join(folder, "connectors"));
  } catch {
    return false;
  }
}

/** Questions on the terminal. Loaded only when there is somebody to ask. */
async function terminal(): Promise<Ask> {
  const [{ default: input }, { default: select }] = await Promise.all([
    import("@inquirer/input"),
    import("@inquirer/select"),
  ]);
  return {
    text: (message, fallback, check) =>
      input({
        message,
        ...(fallback === undefined ? {} : { default: fallback }),
        validate: (text) => check(text) ?? true,
      }),
    choice: (message, choices) => select({ message, choices: [...choices], pageSize: 12 }),
  };
}

function taken(path: string): LetheError {
  return new LetheError(
    "cli/exists",
    `${relative(process.cwd(), path)} exists already; choose another name or --dir, nothing was written`,
  );
}
