import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Command } from "commander";
import { connectors } from "#connectors";
import {
  type Check,
  type Connector,
  checkConnector,
  type Fixture,
  loadFixtures,
  type Report,
  writeTopics,
} from "#kit";
import { LetheError } from "#schemas";
import { command } from "./command.ts";
import { output, paint, progressBar, table } from "./print.ts";

export function connectorTestCommand(): Command {
  return command(
    "test <connector>",
    "check a connector with its fixtures: that it lets nothing false in and no personal data out (no database needed)",
    ["connector test shopify", "connector test ./my-connectors/acme", "connector test shopify --update"],
  )
    .option("--update", "first write the README's list of topics anew")
    .action(async (named: string, options: { update?: boolean; json?: boolean }) => {
      const { connector, fixtures, readme } = await load(named);
      const updated = options.update === true && update(connector, fixtures, readme);
      const report = await checked(connector, fixtures, readme);
      output(options.json === true, { ...report, updated }, () =>
        [...(updated ? [`${readme}: its topics are written anew.`] : []), forPeople(report)].join("\n"),
      );
      if (!report.ok) process.exitCode = 1;
    });
}

interface Found {
  readonly connector: Connector;
  readonly fixtures: readonly Fixture[];
  /** The README's path. */
  readonly readme: string;
}

/** A connector that Lethe ships, by its name; or a folder with `index.ts`, `README.md` and `fixtures/`. */
async function load(named: string): Promise<Found> {
  const folder = connectors.has(named) ? ofProject(`connectors/${named}`) : resolve(named);
  const module = join(folder, "index.ts");
  if (!existsSync(module))
    throw new LetheError(
      "connector/unknown",
      `there is no connector "${named}", and no folder of that name with an index.ts; \`lethe connector list\` shows those that there are`,
    );
  const { default: connector } = (await import(pathToFileURL(module).href)) as { default?: Connector };
  if (connector?.webhook === undefined && connector?.configuration === undefined)
    throw new LetheError(
      "connector/invalid",
      `${module} must have a default export made by defineConnector({ … })`,
    );
  const shipped = dirname(folder) === ofProject("connectors");
  const fixtures = shipped ? ofProject(`fixtures/${basename(folder)}`) : join(folder, "fixtures");
  return { connector, fixtures: fixturesIn(fixtures), readme: join(folder, "README.md") };
}

function fixturesIn(folder: string): Fixture[] {
  return existsSync(folder) ? loadFixtures(folder) : [];
}

function ofProject(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Whether the README's list of topics was another. */
function update(connector: Connector, fixtures: readonly Fixture[], readme: string): boolean {
  const before = textOf(readme);
  const after = writeTopics(before, connector, fixtures);
  if (after === undefined || after === before) return false;
  writeFileSync(readme, after);
  return true;
}

function textOf(readme: string): string {
  return existsSync(readme) ? readFileSync(readme, "utf8") : "";
}

async function checked(connector: Connector, fixtures: readonly Fixture[], readme: string): Promise<Report> {
  const bar = progressBar(`Checking ${connector.name}`);
  try {
    return await checkConnector(connector, fixtures, {
      readme: textOf(readme),
      onCheck: (_check, done, total) => bar.update(done, total),
    });
  } finally {
    bar.stop();
  }
}

/** A line for each check, over all fixtures; then what failed, in full. */
function forPeople({ connector, checks, ok }: Report): string {
  const grouped = [...Map.groupBy(checks, ({ name }) => name)];
  const rows = grouped.map(([name, made]) => ({
    check: name,
    fixtures: counted(made),
    result: resultOf(made),
  }));
  const failed = checks.filter((check) => !check.ok);
  return [
    table(rows, "Nothing was checked: there are no fixtures."),
    ...failed.map(inFull),
    ok
      ? paint("green", `${connector} passes all ${checks.length} checks.`)
      : paint("red", `${connector} fails ${failed.length} of ${checks.length} checks.`),
  ].join("\n");
}

function counted(made: readonly Check[]): string | number {
  return made.some(({ fixture }) => fixture !== undefined) ? made.length : "–";
}

function resultOf(made: readonly Check[]): string {
  const failed = made.filter(({ ok }) => !ok).length;
  return failed === 0
    ? paint("green", "ok")
    : paint("red", made.length === 1 ? "failed" : `${failed} failed`);
}

function inFull({ name, fixture, detail, advice = "" }: Check): string {
  const title = fixture === undefined ? name : `${fixture}.http: ${name}`;
  return `\n${paint("bold", title)}\n${detail.replace(/^/gm, "  ")}\n${paint("dim", advice)}`;
}
