import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, normalize, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { readConfig } from "#config";
import { loadConnector, loadConnectors } from "#connectors";
import { checkConnector, loadFixtures } from "#kit";
import { LetheError } from "#schemas";
import { command } from "./command.ts";
import { output } from "./print.ts";
import { filesOf } from "./scaffold/files.ts";
import { schemeNames, TIME_FORMATS } from "./scaffold/plan.ts";
import { checkName, type NewOptions, planOf } from "./scaffold/questions.ts";
import { terminal } from "./scaffold/terminal.ts";

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
      checkName(name);
      const layout = layoutOf(name, options.dir);
      await refuseTaken(name, layout);
      const ask = process.stdin.isTTY && options.json !== true ? await terminal() : undefined;
      const plan = await planOf(name, options, layout.checkout ? "#kit" : "lethe/kit", ask);
      const written: string[] = [];
      for (const [path, text] of filesOf(plan)) {
        const file = layout.place(path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text, { flag: "wx" });
        written.push(relative(process.cwd(), file));
      }
      const result = await tried(layout);
      output(options.json === true, { id: plan.id, files: written, test: layout.test, result }, () =>
        [
          ...written.map((path) => `wrote ${path}`),
          "",
          ...(plan.delivery === undefined
            ? [
                "Nothing tells deliveries apart but their bytes: two requests with the same body count as one.",
              ]
            : []),
          ...verdict(result),
          `  npx lethe connector test ${layout.test}`,
          `Then replace the sample by the platform's own, and fill in what its events mean: ${guide()}`,
        ].join("\n"),
      );
      if (result.ok === false) process.exitCode = 1;
    });
}

/** Before anything is asked: what would be written is not there yet, and nobody else has the name. */
async function refuseTaken(name: string, { folders }: Layout): Promise<void> {
  for (const folder of folders)
    if (existsSync(folder) && !isEmpty(folder)) throw taken(relative(process.cwd(), folder) || ".");
  const { loaded } = await loadConnectors(readConfig(process.env).connectors);
  const holder = loaded.get(name);
  if (holder !== undefined)
    throw new LetheError(
      "cli/exists",
      `there is a connector "${name}" already, in ${holder.folder}; choose another name, nothing was written`,
    );
}

/** Files that do not show, such as a repository's, are nobody's connector. */
function isEmpty(folder: string): boolean {
  return statSync(folder).isDirectory() && readdirSync(folder).every((file) => file.startsWith("."));
}

/** What its tests say of what was written; without `ok`, why they could not be made. */
type Result = { ok: boolean; checks: number; failed: readonly string[] } | { ok?: never; why: string };

async function tried({ place }: Layout): Promise<Result> {
  try {
    const { connector } = await loadConnector(dirname(place("index.ts")));
    const { checks, ok } = await checkConnector(connector, loadFixtures(dirname(place("fixtures/x"))), {
      readme: readFileSync(place("README.md"), "utf8"),
    });
    const made = checks.filter(({ skipped }) => skipped === undefined);
    const failed = made.flatMap((check) => (check.ok ? [] : [`${check.fixture ?? ""} ${check.name}`.trim()]));
    return { ok, checks: made.length, failed };
  } catch (error) {
    if (error instanceof LetheError) return { why: error.message };
    throw error;
  }
}

function verdict(result: Result): string[] {
  if (result.ok === undefined)
    return [
      `It could not be tested: ${result.why}`,
      "If it is the kit that is missing, install Lethe there (npm install, with the package that you have). Then:",
    ];
  if (result.ok) return [`It passes all ${result.checks} checks of its tests. See for yourself:`];
  return [
    `It fails ${result.failed.length} of ${result.checks} checks: ${result.failed.join("; ")}. In full:`,
  ];
}

/** The guide for authors: in a checkout, or in the package that is installed. */
function guide(): string {
  const places = ["../../docs/connectors.md", "../../../docs/connectors.md"];
  const files = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return relative(process.cwd(), files.find((file) => existsSync(file)) ?? "docs/connectors.md");
}

interface Layout {
  readonly checkout: boolean;
  /** The folders that must not be there yet, or be empty. */
  readonly folders: readonly string[];
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
      folders: [resolve("connectors", name), resolve("fixtures", name)],
      place: (path) =>
        path.startsWith("fixtures/")
          ? resolve("fixtures", name, path.slice("fixtures/".length))
          : resolve("connectors", name, path),
      test: name,
    };
  if (dir?.trim() === "") throw new LetheError("cli/bad-option", "--dir: it cannot be empty");
  const folder = dir ?? name;
  const named = isAbsolute(folder) ? folder : `./${normalize(folder)}`;
  return { checkout: false, folders: [resolve(folder)], place: (path) => resolve(folder, path), test: named };
}

function isCheckout(folder: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: unknown };
    return name === "lethe" && existsSync(join(folder, "connectors"));
  } catch {
    return false;
  }
}

function taken(path: string): LetheError {
  return new LetheError(
    "cli/exists",
    `${path} exists already; choose another name or --dir, nothing was written`,
  );
}
