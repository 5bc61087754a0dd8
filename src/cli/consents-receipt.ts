import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { consentErrors, issueReceipt, RECEIPT_FAULTS, verifyReceipt } from "#consent";
import { LetheError } from "#schemas";
import { command, readJson, withRooms } from "./command.ts";
import { output, paint } from "./print.ts";

interface ReceiptOptions {
  readonly out?: string;
  readonly json?: boolean;
}

interface VerifyOptions {
  readonly did: string;
  readonly json?: boolean;
}

export function consentsReceiptCommand(): Command {
  return command(
    "receipt <record>",
    "print a signed receipt of a consent record (ISO/IEC TS 27560, JSON-LD), which anybody can check",
    ["consents receipt 6a1d….0", "consents receipt 6a1d….0 --out receipt.json"],
    recordId,
  )
    .option("--out <file>", "write it to a file")
    .action((id: string, options: ReceiptOptions) =>
      withRooms(async (rooms) => {
        for (const controller of await rooms.controllers()) {
          const keys = await rooms.ring.keys(controller.id);
          const receipt = await rooms.database
            .inController(controller.id, (tx) => issueReceipt(tx, keys, rooms.connectors, id))
            .catch((error: unknown) => {
              if (error instanceof LetheError && error.code === "consent/unknown-record") return undefined;
              throw error;
            });
          if (receipt === undefined) continue;
          if (options.out === undefined) return output(true, receipt, String);
          writeFileSync(options.out, `${JSON.stringify(receipt, null, 2)}\n`);
          const { out } = options;
          const did = controller.did;
          return output(
            options.json === true,
            { file: out, did },
            () =>
              `Wrote ${out}\nCheck it anywhere with the controller's DID document, /.well-known/did.json?did=${did} of this hub:\nlethe consents verify ${out} --did did.json`,
          );
        }
        throw consentErrors.unknownRecord();
      }),
    );
}

export function consentsVerifyCommand(): Command {
  return command(
    "verify <receipt>",
    "check a receipt with its controller's DID document: without a database, a network or a secret",
    ["consents verify receipt.json --did did.json"],
  )
    .requiredOption("--did <file>", "the DID document, from /.well-known/did.json?did=… of the hub")
    .action((file: string, options: VerifyOptions) => {
      const verified = verifyReceipt(readJson(file), readJson(options.did));
      output(options.json === true, verified, (shown) =>
        shown.ok
          ? paint("green", "The receipt is whole, and signed by its controller.")
          : paint("red", `The receipt does not hold: ${RECEIPT_FAULTS[shown.fault]} [${shown.fault}]`),
      );
      if (!verified.ok) process.exitCode = 1;
    });
}

function recordId(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\d{1,9}$/.test(text))
    throw new InvalidArgumentError("It must be the id of a record: a UUID, a dot and a number.");
  return text;
}
