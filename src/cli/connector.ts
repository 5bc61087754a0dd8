import type { Command } from "commander";
import { readConfig } from "#config";
import { loadConnectors } from "#connectors";
import { doorsOf } from "#kit";
import { command, group } from "./command.ts";
import { connectorNewCommand } from "./connector-new.ts";
import { connectorTestCommand } from "./connector-test.ts";
import { output, paint, table } from "./print.ts";

export function connectorCommand(): Command {
  return group("connector", "the platforms that Lethe knows, and how to add one", [
    "connector list",
    "connector new acme",
    "connector test ./acme",
  ])
    .addCommand(listCommand())
    .addCommand(connectorNewCommand())
    .addCommand(connectorTestCommand());
}

function listCommand(): Command {
  return command("list", "list connectors, how they verify, and their topics", [
    "connector list --json",
  ]).action(async (options: { json?: boolean }) => {
    // Without the database, which says nothing about them.
    const { loaded, refused } = await loadConnectors(readConfig(process.env).connectors);
    const rows = [...loaded.values()].map(({ connector }) => ({
      id: connector.id,
      name: connector.name,
      verifies:
        connector.configuration === undefined
          ? (doorsOf(connector).at(-1)?.signature.summary ?? "")
          : "as each connection is configured",
      topics: connector.configuration === undefined ? Object.keys(connector.events) : [],
      /** What its API is used for. */
      can: [...(connector.consent === undefined ? [] : ["consent"]), ...(connector.rights?.can ?? [])],
      documentation: connector.documentation,
    }));
    output(options.json === true, rows, () =>
      table(
        rows.map(({ topics, can, documentation: _, ...row }) => ({
          ...row,
          topics: topics.length || null,
          can: can.join(", ") || null,
        })),
        "",
      ),
    );
    for (const { code, message } of refused)
      process.stderr.write(`${paint("red", "refused", process.stderr)} ${message} [${code}]\n`);
  });
}
