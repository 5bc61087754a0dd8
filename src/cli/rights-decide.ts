import { type Command, Option } from "commander";
import type { ControllerTransaction } from "#database";
import { runningHub } from "#hub";
import { lockRequest, passphraseFor, type RightsRequest, sealNote } from "#rights";
import { DenialReason, ExtensionReason, LetheError, RightsVerification, type Sealed } from "#schemas";
import type { ControllerKeys } from "#vault";
import {
  approveRights,
  cancelRights,
  denyRights,
  extendRights,
  liftRights,
  pauseRights,
  resumeRights,
  verifyRights,
} from "#workflows";
import { command, uuidArgument, withRooms } from "./command.ts";
import { output } from "./print.ts";
import { withRequest } from "./rights.ts";

interface Options {
  readonly by?: RightsVerification;
  readonly reason?: string;
  readonly note?: string;
  readonly json?: boolean;
}

type By = { actor: string; note?: Sealed<string> };
type Act = (
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
  by: By,
  options: Options,
) => Promise<string>;

const NOTE = [
  "--note <text>",
  "what you want to be remembered; it stays with the evidence, so do not name the person",
] as const;

/** A command that moves a request, with who and why on the audit log. */
function decision(name: string, about: string, examples: readonly string[], act: Act): Command {
  return command(`${name} <request>`, about, examples, uuidArgument)
    .option(...NOTE)
    .action((id: string, options: Options) =>
      withRooms(async (rooms) => {
        const done = await withRequest(rooms, id, async (tx, request, keys) => {
          const { note } = options;
          const by = {
            actor: "operator",
            ...(note !== undefined && { note: sealNote(keys, tx.controllerId, request.id, note) }),
          };
          const said = await act(tx, keys, request, by, options);
          return { said, request: await lockRequest(tx, id) };
        });
        const { status, dueAt } = done.request ?? { status: null, dueAt: null };
        const waits = runningHub(rooms.config.dataDir) === undefined;
        const late = waits
          ? "\nNo hub runs on this data directory; what follows is done when one starts."
          : "";
        output(
          options.json === true,
          { request: id, status, dueAt, said: done.said },
          ({ said }) => said + late,
        );
      }),
    );
}

export const rightsVerifyCommand = (): Command =>
  decision(
    "verify",
    "say that the person is who they say, where you made sure of it yourself",
    ["rights verify 7c1e… --by in_person --note 'passport seen in the shop'"],
    async (tx, keys, request, by, { by: how }) => {
      await verifyRights(tx, keys, request, RightsVerification.parse(how), by);
      const file = request.kind === "access" || request.kind === "portability";
      return [
        `Verified. Next: lethe rights approve ${request.id}`,
        ...(file
          ? [
              `Give the person this passphrase, in another way than their file: ${passphraseFor(keys, request.id)}`,
            ]
          : []),
      ].join("\n");
    },
  ).addOption(
    new Option("--by <how>", "how you made sure")
      .choices(["in_person", "document", "account"])
      .makeOptionMandatory(),
  );

export const rightsApproveCommand = (): Command =>
  decision(
    "approve",
    "have it fulfilled, on every platform; refused while a legal hold keeps the person's data from erasure",
    ["rights approve 7c1e…"],
    async (tx, keys, request, by) => {
      await approveRights(tx, await verifiedByPlatform(tx, keys, request, by), by);
      return `Approved. See how it goes: lethe rights show ${request.id}`;
    },
  );

/** A platform's word is proof, also of what it asked for before a hub could carry it out by itself. */
async function verifiedByPlatform(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
  by: By,
): Promise<RightsRequest> {
  if (request.source !== "platform" || request.status !== "received") return request;
  await verifyRights(tx, keys, request, "platform", { actor: by.actor });
  return (await lockRequest(tx, request.id)) ?? request;
}

export const rightsDenyCommand = (): Command =>
  decision(
    "deny",
    "refuse it; the person is told why, and where they can complain",
    ["rights deny 7c1e… --reason no_match"],
    async (tx, _keys, request, by, { reason }) => {
      await denyRights(tx, request, DenialReason.parse(reason), by);
      return told(request, "Denied");
    },
  ).addOption(new Option("--reason <reason>", "why").choices(DenialReason.options).makeOptionMandatory());

export const rightsExtendCommand = (): Command =>
  decision(
    "extend",
    "take the longer time that the law allows; the person is told why",
    ["rights extend 7c1e… --reason complexity"],
    async (tx, _keys, request, by, { reason }) => {
      await extendRights(tx, request, { ...by, reason: ExtensionReason.parse(reason) });
      return told(request, "Extended");
    },
  ).addOption(new Option("--reason <reason>", "why").choices(ExtensionReason.options).makeOptionMandatory());

export const rightsPauseCommand = (): Command =>
  decision(
    "pause",
    "stop its clock while you wait for the person to say what they mean (UK GDPR, access)",
    ["rights pause 7c1e… --note 'asked which period they mean'"],
    async (tx, _keys, request, by) => {
      await pauseRights(tx, request, by);
      return "Its clock stands still. When they answer: lethe rights resume";
    },
  );

export const rightsResumeCommand = (): Command =>
  decision("resume", "let its clock go on", ["rights resume 7c1e…"], async (tx, _keys, request, by) => {
    await resumeRights(tx, request, by);
    return "Its clock goes on.";
  });

export const rightsCancelCommand = (): Command =>
  decision(
    "cancel",
    "end a request that is withdrawn or was recorded by mistake, before anything is done",
    ["rights cancel 7c1e… --note 'withdrawn by letter'"],
    async (tx, _keys, request, by) => {
      await cancelRights(tx, request, by);
      return "Cancelled. What identified the person in it is gone.";
    },
  );

export const rightsLiftCommand = (): Command =>
  decision(
    "lift",
    "end a restriction, or an objection that was overcome; tell the person before (GDPR Art. 18(3))",
    ["rights lift 7c1e… --note 'accuracy established'"],
    async (tx, _keys, request, by) => {
      if (!(await liftRights(tx, request, by)))
        throw new LetheError("rights/nothing-to-lift", "this request restricts nothing (any more)");
      return "Lifted: what platforms report of the person is recorded again.";
    },
  );

const told = ({ source, hasDetails }: RightsRequest, what: string) =>
  source === "platform" || !hasDetails
    ? `${what}. Nobody was told by the hub: tell the person yourself.`
    : `${what}. The person is told by e-mail, if an address is known and a mail server is set; \`lethe rights show\` says whether they were.`;
