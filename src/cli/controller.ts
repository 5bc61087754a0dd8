import { type Command, InvalidArgumentError, Option } from "commander";
import { type ControllerSettings, createController, listControllers, updateController } from "#controllers";
import { clockErrors, DPDP_MAXIMUM_DAYS, isTimeZone, knowsHolidays } from "#rights";
import { ControllerId, type Environment, LetheError, RightsRegime } from "#schemas";
import { command, count, group, uuidArgument, withRooms } from "./command.ts";
import { output, shortTime, table } from "./print.ts";

export function controllerCommand(): Command {
  const commands = group("controller", "data controllers: the hub's tenants (GDPR Art. 4(7))", [
    "controller add 'Acme GmbH' --environment sandbox",
    "controller list --json",
  ]);
  commands.addCommand(
    command("add <name>", "add a controller, with its DID and its own keys", [
      "controller add 'Acme GmbH' --environment live",
    ])
      .requiredOption("--environment <environment>", "live or sandbox, for life", environment)
      .action((name: string, options: { environment: Environment; json?: boolean }) =>
        withRooms(async ({ database, ring }) => {
          const added = await createController(database, ring, { name, environment: options.environment });
          output(
            options.json === true,
            added,
            ({ id, did }) =>
              `Added the ${options.environment} controller ${name}\n  id   ${id}\n  did  ${did}\nNext: lethe connection add shopify --controller ${id} --secret -`,
          );
        }),
      ),
  );
  commands.addCommand(
    command("list", "list controllers", ["controller list"]).action((options: { json?: boolean }) =>
      withRooms(async ({ database }) => {
        output(options.json === true, await listControllers(database), (rows) =>
          table(
            rows.map((row) => ({
              id: row.id,
              name: row.name,
              environment: row.environment,
              created: shortTime(row.createdAt),
            })),
            "There are no controllers yet. Add one: lethe controller add <name> --environment sandbox",
          ),
        );
      }),
    ),
  );
  commands.addCommand(
    command(
      "update <controller>",
      "say by which law, in which time zone and around whose holidays its rights requests are answered",
      [
        "controller update 4f0c… --time-zone Europe/Berlin --regime gdpr",
        "controller update 4f0c… --regime ccpa --time-zone America/Los_Angeles --holidays US-CA",
      ],
      uuidArgument,
    )
      .addOption(
        new Option("--regime <law>", "the law, unless a request says otherwise").choices(
          RightsRegime.options.filter((regime) => regime !== "platform"),
        ),
      )
      .option("--time-zone <name>", "in which the days of deadlines end (IANA)")
      .option("--holidays <place>", "whose holidays are no business days, such as US or DE-BY")
      .option("--dpdp-days <n>", "the period that it publishes under India's DPDP Rules, at most 90", count)
      .action((id: string, options: UpdateOptions) =>
        withRooms(async ({ database }) => {
          const { json, ...given } = options;
          await check(given);
          const updated = await updateController(database, ControllerId.parse(id), given);
          output(
            json === true,
            updated,
            (view) =>
              `Updated: ${view.regime}, days end in ${view.timeZone}, holidays of ${view.holidays}. It counts for deadlines that are set from now on.`,
          );
        }),
      ),
  );
  return commands;
}

type UpdateOptions = ControllerSettings & { readonly json?: boolean };

async function check({ regime, timeZone, holidays, dpdpDays }: ControllerSettings): Promise<void> {
  if ([regime, timeZone, holidays, dpdpDays].every((one) => one === undefined))
    throw new LetheError(
      "cli/nothing-to-do",
      "say what to change: --regime, --time-zone, --holidays or --dpdp-days",
    );
  if (timeZone !== undefined && !isTimeZone(timeZone)) throw clockErrors.unknownTimeZone();
  if (holidays !== undefined && !knowsHolidays(holidays)) throw clockErrors.unknownHolidays();
  if (dpdpDays !== undefined && dpdpDays > DPDP_MAXIMUM_DAYS) throw clockErrors.notDays();
}

function environment(text: string): Environment {
  if (text !== "live" && text !== "sandbox") throw new InvalidArgumentError("It must be live or sandbox.");
  return text;
}
