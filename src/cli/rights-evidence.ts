import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { EVIDENCE_FAULTS, evidencePage, issueEvidence, verifyEvidence } from "#rights";
import { LetheError, type RightsEvidence } from "#schemas";
import { command, readJson, uuidArgument, withRooms } from "./command.ts";
import { output, paint } from "./print.ts";
import { withRequest } from "./rights.ts";

interface Options {
  readonly out?: string;
  readonly verify?: string;
  readonly did?: string;
  readonly json?: boolean;
}

export function rightsEvidenceCommand(): Command {
  return command(
    "evidence [request]",
    "write the signed report of a closed request, for people (HTML) and programs (JSON); or check one anywhere",
    [
      "rights evidence 7c1e… --out evidence/",
      "rights evidence 7c1e… --json > evidence.json",
      "rights evidence --verify evidence.json --did did.json",
    ],
    uuidArgument,
  )
    .option("--out <folder>", "write evidence.json and evidence.html there")
    .option("--verify <file>", "check such a report: without a database, a network or a secret")
    .option("--did <file>", "for --verify: the DID document, from /.well-known/did.json?did=… of the hub")
    .action((id: string | undefined, options: Options) => {
      if (options.verify !== undefined) return verify(options.verify, options);
      if (id === undefined)
        throw new LetheError("cli/nothing-named", "name a request, or say --verify <file>");
      return issue(id, options);
    });
}

function issue(id: string, options: Options): Promise<void> {
  return withRooms(async (rooms) => {
    const evidence = await patiently(() =>
      withRequest(rooms, id, (tx, _request, keys) =>
        issueEvidence(tx, keys, id, { backupDays: rooms.config.backupDays, now: new Date() }),
      ),
    );
    if (options.out === undefined) return output(true, evidence, String);
    mkdirSync(options.out, { recursive: true });
    const [json, page] = [join(options.out, "evidence.json"), join(options.out, "evidence.html")];
    writeFileSync(json, `${JSON.stringify(evidence, null, 2)}\n`);
    writeFileSync(page, evidencePage(evidence));
    const { did } = evidence.controller;
    output(
      options.json === true,
      { json, page, did },
      () =>
        `Wrote ${json} and ${page}\nCheck it anywhere with the controller's DID document, /.well-known/did.json?did=${did} of this hub:\nlethe rights evidence --verify ${json} --did did.json`,
    );
  });
}

/** The sequencer seals within a second; of a request that was closed just now it may not have got that far. */
async function patiently(work: () => Promise<RightsEvidence>): Promise<RightsEvidence> {
  for (let tries = 0; ; tries++)
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LetheError) || error.code !== "rights/not-sealed-yet" || tries === 10)
        throw error;
      await sleep(300);
    }
}

function verify(file: string, { did, json }: Options): void {
  if (did === undefined)
    throw new LetheError("cli/no-did", "say which DID document to check it with: --did <file>");
  const verified = verifyEvidence(readJson(file), readJson(did));
  output(json === true, verified, (shown) =>
    shown.ok
      ? paint(
          "green",
          `The evidence is whole, signed by its controller, and its ${shown.events} events are in the audit log.`,
        )
      : paint("red", `The evidence does not hold: ${EVIDENCE_FAULTS[shown.fault]} [${shown.fault}]`),
  );
  if (!verified.ok) process.exitCode = 1;
}
