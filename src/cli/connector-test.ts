import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { readConfig } from "#config";
import { loadConnector, loadConnectors } from "#connectors";
import {
  type Check,
  type Connector,
  checkConnector,
  type Fixture,
  loadFixtures,
  type Report,
  writeTopics,
} from "#kit";
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

/** One that this hub knows, by its name; otherwise a folder with `index.ts`, `README.md` and `fixtures/`. */
async function load(named: string): Promise<Found> {
  const known = /^[a-z][a-z0-9-]*$/.test(named)
    ? (await loadConnectors(readConfig(process.env).connectors)).loaded.get(named)
    : undefined;
  if (known !== undefined && existsSync(named) && resolve(named) !== known.folder)
    process.stderr.write(`"${named}" is the one in ${known.folder}; the folder here is ./${named}\n`);
  const { connector, folder, fixtures } = known ?? (await loadConnector(named));
  return { connector, fixtures: fixturesIn(fixtures), readme: join(folder, "README.md") };
}

function fixturesIn(folder: string): Fixture[] {
  return existsSync(folder) ? loadFixtures(folder) : [];
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
  const made = checks.filter(wasMade).length;
  const failed = checks.filter((check) => !check.ok);
  return [
    table(rows, "Nothing was checked: there are no fixtures."),
    ...failed.map(inFull),
    ok
      ? paint("green", `${connector} passes all ${made} checks.`)
      : paint("red", `${connector} fails ${failed.length} of ${made} checks.`),
  ].join("\n");
}

const wasMade = ({ skipped }: Check) => skipped === undefined;

/** Fixtures that it was made with. */
function counted(checks: readonly Check[]): string | number {
  const made = checks.filter(wasMade);
  return made.some(({ fixture }) => fixture !== undefined) ? made.length : "–";
}

function resultOf(checks: readonly Check[]): string {
  const failed = checks.filter(({ ok }) => !ok).length;
  if (failed > 0) return paint("red", checks.length === 1 ? "failed" : `${failed} failed`);
  if (checks.some(wasMade)) return paint("green", "ok");
  const reasons = new Set(checks.map(({ skipped }) => skipped));
  return paint("dim", `does not apply: ${[...reasons].join("; ")}`);
}

function inFull({ name, fixture, detail, advice = "" }: Check): string {
  const title = fixture === undefined ? name : `${fixture}.http: ${name}`;
  return `\n${paint("bold", title)}\n${detail.replace(/^/gm, "  ")}\n${paint("dim", advice)}`;
}
