import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import {
  type Comparable,
  comparables,
  compare,
  type Difference,
  isOfUnknownAge,
  recordDifferences,
  subjectsWithChoices,
} from "#consent";
import { type ControllerRow, type Rooms, runningHub } from "#hub";
import { credentialStore } from "#intake";
import type { ConsentApi } from "#kit";
import { type ConnectionId, type DriftView, describeError, LetheError, type SubjectId } from "#schemas";
import { command, controllersOf, uuidArgument, withRooms } from "./command.ts";
import { output, progressBar, shortTime, table } from "./print.ts";

interface Options {
  readonly controller?: string;
  readonly subject?: string;
  readonly connection?: string;
  readonly repair?: boolean;
  readonly optOuts?: boolean;
  readonly json?: boolean;
}

/** Subjects that are compared at a time. */
const PAGE = 100;
/** The longest that we wait when a platform asks for patience, in milliseconds, and how often. */
const PATIENCE = 60_000;
const TRIES = 3;

interface Report {
  readonly differences: DriftView[];
  /** Subjects at platforms that hold what they should. */
  inStep: number;
  /** Whom the platform does not know by anything that we have. */
  notFound: number;
  /** What could not be asked, by why. */
  readonly notAsked: Record<string, number>;
  /** What each of those codes says, such as which field of the credentials is missing. */
  readonly reasons: Record<string, string[]>;
}

export function consentsDriftCommand(): Command {
  return command("drift", "ask the platforms what they hold, and list where it is not what the ledger says", [
    "consents drift",
    "consents drift --connection 7d1e… --json",
    "consents drift --subject 9b2f… --repair",
  ])
    .option("--controller <id>", "of one controller", uuidArgument)
    .option("--subject <id>", "of one data subject", uuidArgument)
    .option("--connection <id>", "at one platform", uuidArgument)
    .option("--repair", "take opt-outs that we had not seen into the ledger, and bring the rest in step")
    .option(
      "--opt-outs",
      "with --repair: also those that the platform cannot date, and that may be older than a grant",
    )
    .action((options: Options) =>
      withRooms(async (rooms) => {
        const report: Report = { differences: [], inStep: 0, notFound: 0, notAsked: {}, reasons: {} };
        const bar = progressBar("comparing");
        for (const controller of await controllersOf(rooms, options.controller))
          await compareAll(rooms, controller, options, report, (done) => bar.update(done, done + PAGE));
        bar.stop();
        output(options.json === true, report, (shown) => people(rooms, shown, options.repair === true));
        if (report.differences.some(({ repair }) => !repair)) process.exitCode = 1;
      }),
    );
}

async function compareAll(
  rooms: Rooms,
  { id: controllerId }: ControllerRow,
  options: Options,
  report: Report,
  progress: (done: number) => void,
): Promise<void> {
  const keys = await rooms.ring.keys(controllerId);
  const only = options.subject as SubjectId | undefined;
  let done = 0;
  for (let after: SubjectId | undefined; ; ) {
    const page = await rooms.database.inController(controllerId, async (tx) => {
      const subjects = await subjectsWithChoices(tx, { after, only, limit: PAGE });
      const there = await comparables(
        tx,
        keys,
        rooms.connectors,
        subjects,
        options.connection as ConnectionId | undefined,
      );
      return { subjects, there };
    });
    // Opened for each page: an access token does not last for ever.
    const apis = new Map<ConnectionId, Promise<ConsentApi>>();
    const byConnection = Map.groupBy(page.there, ({ connectionId }) => connectionId);
    // One after the other at each platform, the platforms side by side.
    await Promise.all(
      [...byConnection].map(async ([connectionId, there]) => {
        for (const one of there) {
          const api = apis.get(connectionId) ?? open(one, connectionId);
          apis.set(connectionId, api);
          await compareOne(one, api);
          progress(++done);
        }
      }),
    );
    after = page.subjects.at(-1);
    if (page.subjects.length < PAGE || only !== undefined) return;
  }

  async function open({ connector, account }: Comparable, connectionId: ConnectionId): Promise<ConsentApi> {
    const consent = rooms.connectors.get(connector)?.consent;
    if (consent === undefined) throw new RangeError("only platforms with an API are compared");
    const credentials = await credentialStore(rooms.database, keys, controllerId, connectionId).current();
    return consent.open(credentials as never, account);
  }

  async function compareOne(one: Comparable, opened: Promise<ConsentApi>): Promise<void> {
    try {
      const differences = await patiently(async () => compare(await opened, one));
      if (differences === undefined) report.notFound += 1;
      else if (differences.length === 0) report.inStep += 1;
      else {
        const mended = options.repair === true ? differences.filter(isToMend) : [];
        if (mended.length > 0) await repair(one, mended);
        report.differences.push(
          ...differences.map((difference) => viewOf(one, difference, mended.includes(difference))),
        );
      }
    } catch (error) {
      const { code, message } = describeError(error);
      report.notAsked[code] = (report.notAsked[code] ?? 0) + 1;
      report.reasons[code] = [...new Set([...(report.reasons[code] ?? []), message])];
    }
  }

  /** What is under way, or was left to a person, is not news; and an opt-out of unknown age is not taken unasked. */
  function isToMend(difference: Difference): boolean {
    return isOfUnknownAge(difference) ? options.optOuts === true : !difference.unsettled;
  }

  async function repair(one: Comparable, differences: readonly Difference[]): Promise<void> {
    const { announceChanges } = await import("#workflows"); // which not every command of consents needs
    return rooms.database.inController(controllerId, async (tx) =>
      announceChanges(tx, await recordDifferences(tx, one, differences)),
    );
  }

  function viewOf(
    { subjectId, connectionId, connector }: Comparable,
    difference: Difference,
    mended: boolean,
  ): DriftView {
    const { purpose, ledger, platform, since = null } = difference;
    return {
      ...{ controller: controllerId, subject: subjectId, connection: connectionId, connector },
      ...{ purpose, ledger, platform, since, repair: mended },
    };
  }
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work();
    } catch (error) {
      const wait = error instanceof LetheError && error.retry ? (error.retryAfter ?? 2_000) : undefined;
      if (wait === undefined || wait > PATIENCE || attempt === TRIES) throw error;
      await setTimeout(wait);
    }
}

function people(rooms: Rooms, report: Report, repair: boolean): string {
  const { differences, inStep, notFound, notAsked, reasons } = report;
  const mended = differences.filter((one) => one.repair).length;
  const waits = mended > 0 && runningHub(rooms.config.dataDir) === undefined;
  return [
    table(
      differences.map((row) => ({
        subject: row.subject,
        connector: row.connector,
        purpose: row.purpose,
        ledger: row.ledger,
        platform: row.platform,
        since: shortTime(row.since),
        repair: row.repair ? "yes" : "",
      })),
      inStep + notFound > 0
        ? "Every platform that could be asked holds what the ledger says."
        : Object.keys(notAsked).length > 0
          ? "No platform could be asked."
          : "No platform was asked: it takes a person who chose, and a connection with credentials to a platform that holds consent.",
    ),
    `In step: ${inStep}. Different: ${differences.length}. Not found there: ${notFound}.`,
    ...(repair && differences.length > 0
      ? [
          `Being brought in step: ${mended}.${mended < differences.length ? " The rest is under way, left to a person (lethe consents pushes), or an opt-out that the platform cannot date (--opt-outs)." : ""}`,
        ]
      : []),
    ...Object.entries(notAsked).map(
      ([code, times]) => `Could not be asked: ${times}, because ${reasons[code]?.join("; ")} [${code}]`,
    ),
    ...(waits ? ["No hub runs on this data directory; it is done when one starts."] : []),
  ].join("\n");
}
