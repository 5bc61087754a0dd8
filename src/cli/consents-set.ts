import { type Command, Option } from "commander";
import { checkPurpose, type ExpressedChoice, recordChoices } from "#consent";
import { runningHub } from "#hub";
import {
  ConsentMethod,
  ConsentState,
  EvidenceReference,
  Jurisdiction,
  LawfulBasis,
  LetheError,
} from "#schemas";
import { command, isoTime, uuidArgument, withRooms } from "./command.ts";
import { findSubject } from "./consents.ts";
import { output } from "./print.ts";

interface Options {
  readonly purpose: string;
  readonly state: ConsentState;
  readonly method: ConsentMethod;
  readonly basis: LawfulBasis;
  readonly evidence?: string;
  readonly jurisdiction?: string;
  readonly at?: string;
  readonly json?: boolean;
}

export function consentsSetCommand(): Command {
  return command(
    "set <subject>",
    "take down what a person chose elsewhere: by letter, by telephone, in a shop",
    [
      "consents set 9b2f… --purpose email_marketing --state withdrawn --method by_phone --evidence TICKET-4711",
      "consents set 9b2f… --purpose sale_or_sharing --state withdrawn --method in_writing --jurisdiction US-CA --at 2026-11-01T09:00:00Z",
    ],
    uuidArgument,
  )
    .requiredOption("--purpose <name>", "what for; see consents purposes list")
    .addOption(
      new Option("--state <state>", "what they chose")
        .choices(ConsentState.options.filter((state) => state !== "not_asked"))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--method <method>", "how it was collected")
        .choices(ConsentMethod.options)
        .default("unknown"),
    )
    .addOption(
      new Option("--basis <basis>", "the lawful basis").choices(LawfulBasis.options).default("consent"),
    )
    .option("--evidence <reference>", "where the proof is: a ticket, a form's version; nothing personal")
    .option("--jurisdiction <place>", "where the person is, such as DE, US-CA or EU")
    .option("--at <time>", "when they chose (ISO 8601); otherwise now", isoTime)
    .action((id: string, options: Options) =>
      withRooms(async (rooms) => {
        const { controller, subject } = await findSubject(rooms, id);
        const { state, method, basis } = options;
        const evidence = checked("--evidence", EvidenceReference, options.evidence);
        const jurisdiction = checked("--jurisdiction", Jurisdiction, options.jurisdiction);
        const { announceChanges } = await import("#workflows"); // which not every command of consents needs
        const set = await rooms.database.inController(controller.id, async (tx) => {
          const purpose = await checkPurpose(tx, options.purpose);
          const occurredAt = options.at ?? new Date().toISOString();
          const choice: ExpressedChoice = {
            ...{ purpose: purpose.id, state, method, lawfulBasis: basis, evidence, jurisdiction, occurredAt },
          };
          const { recorded, changes } = await recordChoices(tx, subject, "operator", [choice]);
          await announceChanges(tx, changes);
          const [record] = recorded;
          return { record: `${record?.workflowId}.${record?.ordinal}`, changed: changes.length > 0 };
        });
        const running = runningHub(rooms.config.dataDir) !== undefined;
        output(options.json === true, set, ({ record, changed }) =>
          [
            `Recorded as ${record}.`,
            changed
              ? `Other platforms are brought in step${running ? "" : " when a hub runs on this data directory"}: lethe consents show ${id}`
              : "It does not change what holds: lethe consents show tells why.",
          ].join("\n"),
        );
      }),
    );
}

/** A value of a schema, or null where none was given. Throws `consent/bad-value`, which says what it must be. */
function checked<T>(
  option: string,
  schema: {
    safeParse(
      text: string,
    ): { success: true; data: T } | { success: false; error: { issues: { message: string }[] } };
  },
  given: string | undefined,
): T | null {
  if (given === undefined) return null;
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new LetheError(
    "consent/bad-value",
    `${option} ${parsed.error.issues[0]?.message ?? "is not allowed"}`,
  );
}
