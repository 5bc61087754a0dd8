import { type Connector, Declaration } from "../connector.ts";
import type { Fixture, Outcome } from "../fixtures.ts";

/** Every activity says what the record of processing needs (GDPR Art. 30(1)), its recipient included. */
export function declaredActivities(connector: Connector): string[] {
  const faults = Object.entries(connector.activities).flatMap(([name, declared]) => {
    const { error } = Declaration.safeParse(declared);
    const recipient = declared.recipient ?? connector.name;
    return [
      ...(error?.issues.map((issue) => `activity "${name}": ${issue.path.join(".")}: ${issue.message}`) ??
        []),
      ...(recipient.trim() === "" ? [`activity "${name}" has no recipient: give the connector a name`] : []),
    ];
  });
  return faults;
}

/** Every topic has a fixture in which something comes of it. */
export function topicsWithoutFixture(connector: Connector, fixtures: readonly Fixture[]): string[] {
  const shown = new Set(outcomesOf(fixtures).flatMap(({ topic, records }) => (records ? [topic] : [])));
  return Object.keys(connector.events)
    .filter((topic) => !shown.has(topic))
    .map((topic) => `no fixture expects records of "${topic}" (\`[]\` if there are none)`);
}

/** Every activity that is declared is recorded by some fixture. */
export function unrecordedActivities(connector: Connector, fixtures: readonly Fixture[]): string[] {
  const recorded = new Set(outcomesOf(fixtures).flatMap(activitiesOf));
  return Object.keys(connector.activities)
    .filter((name) => !recorded.has(name))
    .map((name) => `no fixture records "${name}": add one, or take the activity away`);
}

/** What must come of each request, or of each event where it carries several. */
export function outcomesOf(fixtures: readonly Pick<Fixture, "expect">[]): Outcome[] {
  return fixtures.flatMap(({ expect }) => expect.events ?? [expect]);
}

/** A record as a fixture writes it. */
export type Written = Readonly<Record<string, unknown>>;

export function recordsOf({ records = [] }: Outcome): Written[] {
  return records.filter((record): record is Written => typeof record === "object" && record !== null);
}

export function activitiesOf(outcome: Outcome): string[] {
  return recordsOf(outcome).flatMap(({ activity }) => (typeof activity === "string" ? [activity] : []));
}
