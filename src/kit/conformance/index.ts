import { type Connector, type Door, doorsOf } from "../connector.ts";
import { type Fixture, fixtureDoor } from "../fixtures.ts";
import { changedBodies } from "./body.ts";
import { type Case, caseOf, deliveriesOf } from "./case.ts";
import { declaredActivities, topicsWithoutFixture, unrecordedActivities } from "./declarations.ts";
import { exampleOf } from "./example.ts";
import { unexpected } from "./expected.ts";
import { hostileBodies, hostileValues } from "./hostile.ts";
import { collisions, repeats } from "./identity.ts";
import { invalidRecords } from "./invalid.ts";
import { leaks } from "./privacy.ts";
import { checkReadme } from "./readme.ts";
import { type Check, type Found, make, type PlannedCheck, type Report } from "./report.ts";
import { changedTargets, disagreement, missingHeaders, wrongAccount, wrongContentTypes } from "./request.ts";
import { rotation, wrongSecrets } from "./secrets.ts";
import { changedSignatures } from "./signature.ts";
import { wrongTimes } from "./time.ts";

export { checkReadme, topicsTable, writeTopics } from "./readme.ts";
export { type Check, make as makeCheck, type PlannedCheck, type Report } from "./report.ts";

export interface ConformanceOptions {
  /** The text of the connector's README, whose list of topics is compared; not checked if it is not given. */
  readonly readme?: string;
  /** Called after each check. */
  readonly onCheck?: (check: Check, done: number, total: number) => void;
}

/**
 * Checks a connector with its fixtures: that they give what they expect, that nothing else is let in, that no data of
 * a person gets out, and that everything is declared. Takes seconds, and needs neither database nor network.
 */
export async function checkConnector(
  connector: Connector,
  fixtures: readonly Fixture[],
  options: ConformanceOptions = {},
): Promise<Report> {
  const planned = planChecks(connector, fixtures, options);
  const checks: Check[] = [];
  for (const plan of planned) {
    const check = await make(plan);
    checks.push(check);
    options.onCheck?.(check, checks.length, planned.length);
  }
  return { connector: connector.id, ok: checks.every(({ ok }) => ok), checks };
}

/** The checks of a connector, one by one: for a test runner, which gives each its own name. */
export function planChecks(
  given: Connector,
  fixtures: readonly Fixture[],
  { readme }: Pick<ConformanceOptions, "readme"> = {},
): PlannedCheck[] {
  try {
    return plan(exampleOf(given), fixtures, readme);
  } catch (error) {
    return [{ name: "accepts its own example of a configuration", run: () => [String(error)] }];
  }
}

function plan(
  connector: Connector,
  fixtures: readonly Fixture[],
  readme: string | undefined,
): PlannedCheck[] {
  const deliveries = deliveriesOf(fixtures);
  const invalid = invalidRecords(connector, fixtures);
  const check = (
    name: string,
    fixture: Fixture,
    run: () => readonly string[] | Promise<readonly string[]>,
  ) => ({
    name,
    fixture: fixture.name,
    run: invalid.unlessIn(fixture, run),
  });
  return [
    { name: "records only what may be recorded", run: invalid.byTopic },
    ...fixtures.map((fixture) =>
      check("gives what the fixture expects", fixture, () => unexpected(connector, fixture)),
    ),
    ...deliveries.flatMap((fixture) => [
      ...ofDelivery(connector, fixture),
      check("lets no text of the payload out in the clear", fixture, () =>
        leaks(caseOf(connector, fixture), fixtures),
      ),
    ]),
    ...fixtures
      .filter(({ expect }) => expect.outcome === "handshake")
      .flatMap((fixture) => ofHandshake(connector, fixture)),
    ...doorsOf(connector).map((door, index) => {
      const fixture = fixtureOf(connector, deliveries, door);
      return fixture === undefined
        ? {
            name: "has a fixture for every door",
            run: () => [`no fixture is delivered through door ${index + 1} (${door.signature.summary})`],
          }
        : check("withstands hostile bodies", fixture, () => hostileBodies(caseOf(connector, fixture)));
    }),
    ...eachTopicOnce(deliveries).map((fixture) =>
      check("withstands hostile values", fixture, () => hostileValues(caseOf(connector, fixture))),
    ),
    { name: "tells its fixtures apart", run: () => collisions(connector, fixtures) },
    { name: "declares every activity", run: () => declaredActivities(connector) },
    { name: "has a fixture for every topic", run: () => topicsWithoutFixture(connector, fixtures) },
    { name: "records every activity", run: () => unrecordedActivities(connector, fixtures) },
    ...(readme === undefined
      ? []
      : [{ name: "lists its topics in its README", run: () => checkReadme(readme, connector, fixtures) }]),
  ];
}

/** By a handshake a platform sees that the URL is there; where it is signed, nobody else sees it. */
function ofHandshake(connector: Connector, fixture: Fixture): PlannedCheck[] {
  if (fixtureDoor(connector, fixture).handshake?.signed !== true) return [];
  const check = (name: string, run: (tried: Case) => readonly string[]) => ({
    name,
    fixture: fixture.name,
    run: () => run(caseOf(connector, fixture)),
  });
  return [
    check("refuses a changed signature", changedSignatures),
    check("refuses other secrets and empty ones", wrongSecrets),
  ];
}

/** Whole bodies are read by the door, whatever they are about: one fixture of each will do. */
function fixtureOf(connector: Connector, deliveries: readonly Fixture[], door: Door): Fixture | undefined {
  const through = deliveries.filter((one) => fixtureDoor(connector, one) === door);
  return through.find(({ expect }) => expect.records !== undefined || expect.events?.length) ?? through[0];
}

/** Hostile values are slow, and what reads them is the same for all fixtures of a topic. */
function eachTopicOnce(fixtures: readonly Fixture[]): Fixture[] {
  const seen = new Set<string>();
  return fixtures.filter(({ expect }) => {
    const topics = expect.events?.map(({ topic }) => topic ?? "") ?? [expect.topic ?? ""];
    const fresh = topics.some((topic) => !seen.has(topic));
    for (const topic of topics) seen.add(topic);
    return fresh;
  });
}

/** What is tried with each delivery. Where the platform has nothing that could be tried, the check says so. */
function ofDelivery(connector: Connector, fixture: Fixture): PlannedCheck[] {
  const { signature, account, agree, events } = fixtureDoor(connector, fixture);
  const { signs, tolerance } = signature;
  const check = (name: string, run: (tried: Case) => Found, skipped?: string) => ({
    name,
    fixture: fixture.name,
    ...(skipped === undefined ? {} : { skipped }),
    run: () => (skipped === undefined ? run(caseOf(connector, fixture)) : { skipped }),
  });
  const unless = (applies: boolean, why: string) => (applies ? undefined : why);
  return [
    check("refuses a changed body", changedBodies, unless(signs.includes("body"), onlySigned(signs))),
    check("refuses a changed signature", changedSignatures),
    check("refuses a request without its headers", missingHeaders),
    check("refuses other secrets and empty ones", wrongSecrets),
    check("takes both secrets while one is rotated", rotation),
    check(
      "refuses a request that is too old or from the future",
      (tried) => wrongTimes(tried, tolerance ?? 0),
      unless(
        tolerance !== undefined,
        signs.includes("timestamp") ? "a signed time may be of any age" : "no time is signed",
      ),
    ),
    check(
      "refuses another method or URL",
      changedTargets,
      unless(signs.includes("method") || signs.includes("url"), "neither method nor URL is signed"),
    ),
    check("refuses another content type", wrongContentTypes),
    check("refuses another account", wrongAccount, accountless(fixture, account !== undefined, events)),
    check(
      "refuses facts that disagree",
      disagreement,
      unless(agree !== undefined, "no two facts of a request have to agree"),
    ),
    check("knows a request that comes again", repeats),
  ];
}

function onlySigned(signs: Door["signature"]["signs"]): string {
  const names = signs.map((what) => (what === "url" ? "the URL" : `the ${what}`));
  return names.length === 0 ? "nothing is signed" : `nothing is signed but ${names.join(" and ")}`;
}

/** Why there is no account that could be another. */
function accountless({ expect }: Fixture, named: boolean, events: Door["events"]): string | undefined {
  if (!named) return "requests name no account";
  if (events !== undefined) return "each event names its own account, and is not refused for it";
  return expect.account === undefined ? "this request names no account" : undefined;
}
