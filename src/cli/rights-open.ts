import { type Command, Option } from "commander";
import { controllerErrors } from "#controllers";
import type { ControllerTransaction } from "#database";
import { runningHub } from "#hub";
import { claimOf, findByClaim, normaliseEmail, normalisePhone, subjectById } from "#identity";
import { subject } from "#kit";
import { type Details, GivenCorrections, rightsErrors, rightsSettings } from "#rights";
import { LetheError, RightsKind, RightsRegime, type SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { openRights } from "#workflows";
import {
  command,
  controllersOf,
  isoTime,
  readJson,
  secretValue,
  uuidArgument,
  withRooms,
} from "./command.ts";
import { output } from "./print.ts";

interface Options {
  readonly controller: string;
  readonly kind: RightsKind;
  readonly regime?: Exclude<RightsRegime, "platform">;
  readonly email?: string;
  readonly phone?: string;
  readonly region?: string;
  readonly subject?: string;
  readonly corrections?: string;
  readonly receivedAt?: string;
  readonly json?: boolean;
}

export function rightsOpenCommand(): Command {
  return command(
    "open",
    "record a request that reached you by letter, by telephone or in a message; who it is from is read from standard input",
    [
      "rights open --controller 4f0c… --kind erasure --email -  < address.txt",
      "rights open --controller 4f0c… --kind access --subject 9b2f… --regime uk_gdpr --received-at 2026-11-02T09:00:00Z",
      "rights open --controller 4f0c… --kind rectification --email - --corrections corrected.json",
    ],
  )
    .requiredOption("--controller <id>", "to whom it was made", uuidArgument)
    .addOption(
      new Option("--kind <kind>", "what they ask for").choices(RightsKind.options).makeOptionMandatory(),
    )
    .addOption(
      new Option("--regime <law>", "the law that it is answered by; otherwise the controller's").choices(
        RightsRegime.options.filter((regime) => regime !== "platform"),
      ),
    )
    .option("--email <->", "their address on standard input, so that it stands in no shell history")
    .option("--phone <->", "their number on standard input (names nobody by itself, but helps to find them)")
    .option("--region <country>", "where a number without a country code is from, such as DE")
    .option("--subject <id>", "the data subject, where you know it", uuidArgument)
    .option("--corrections <file>", 'for rectification: what is right, as JSON, such as {"familyName": "…"}')
    .option("--received-at <time>", "when it reached you (ISO 8601); otherwise now", isoTime)
    .action((options: Options) =>
      withRooms(async (rooms) => {
        const [controller] = await controllersOf(rooms, options.controller);
        if (controller === undefined) throw controllerErrors.unknown(options.controller);
        const details = await detailsOf(options);
        const keys = await rooms.ring.keys(controller.id);
        const opened = await rooms.database.inController(controller.id, async (tx) => {
          const { subject: given } = options;
          const person = given === undefined ? undefined : await subjectById(tx, given);
          if (given !== undefined && person === undefined) throw rightsErrors.unknownSubject();
          if (person !== undefined) await checkAddress(tx, keys, person.id, details);
          return openRights(tx, keys, {
            ...{ source: "operator", actor: "operator", kind: options.kind, scope: "subject" },
            regime: options.regime ?? (await rightsSettings(tx)).regime,
            ...{ subjectId: person?.id ?? null, connectionId: null, delivery: null, platformDays: null },
            details,
            receivedAt: options.receivedAt ?? new Date().toISOString(),
          });
        });
        const running = runningHub(rooms.config.dataDir) !== undefined;
        const shown = { request: opened.id, joined: opened.joined };
        output(options.json === true, shown, ({ request, joined }) =>
          [
            joined ? `The same request is in progress: ${request}` : `Recorded as ${request}`,
            running
              ? `See how it stands: lethe rights show ${request}`
              : "No hub runs on this data directory; it goes on when one starts.",
          ].join("\n"),
        );
      }),
    );
}

/** Whoever has the address may confirm by it: so it must be this person's, by what the hub has recorded. */
async function checkAddress(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  subjectId: SubjectId,
  { emails, region }: Details,
): Promise<void> {
  if (emails.length === 0) return;
  const claim = claimOf(keys, { workflowId: subjectId, connectionId: null, region }, subject({ emails }));
  if ((await findByClaim(tx, claim)) !== subjectId) throw rightsErrors.notTheirAddress();
}

async function detailsOf(options: Options): Promise<Details> {
  const { email, phone, region, subject, kind } = options;
  if (email === undefined && phone === undefined && subject === undefined) throw rightsErrors.nobodyNamed();
  if (
    [email, phone].some((value) => value !== undefined && value !== "-") ||
    (email !== undefined && phone !== undefined)
  )
    throw new LetheError(
      "cli/on-standard-input",
      "say --email - or --phone - (one of them) and give the value on standard input; on the command line it would stay in the shell's history",
    );
  const given = email === undefined && phone === undefined ? "" : await secretValue("-");
  const address = email === undefined ? undefined : normaliseEmail(given);
  const number = phone === undefined ? undefined : normalisePhone(given, [region]);
  if (given !== "" && address === undefined && number === undefined) throw rightsErrors.badAddress();
  if (kind === "rectification" && options.corrections === undefined) throw rightsErrors.noCorrections();
  return {
    emails: address === undefined ? [] : [address],
    phones: number === undefined ? [] : [number],
    platformIds: [],
    region: region ?? null,
    corrections: options.corrections === undefined ? null : corrections(options.corrections),
  };
}

function corrections(file: string): GivenCorrections {
  const parsed = GivenCorrections.safeParse(readJson(file));
  if (parsed.success) return parsed.data;
  // Places and rules only: the values are a person's.
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`);
  throw new LetheError(
    "rights/bad-corrections",
    `the corrections are not as they must be: ${faults.join("; ")}`,
  );
}
