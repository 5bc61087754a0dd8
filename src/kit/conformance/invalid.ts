import { LetheError } from "#schemas";
import type { Connector } from "../connector.ts";
import type { Fixture } from "../fixtures.ts";
import { eventsOf, fetchObject, interpret, isThin, type ReceivedEvent } from "../interpret.ts";
import { answering } from "../outcome.ts";
import { caseOf, deliveriesOf, NOW, receiveParts } from "./case.ts";
import { outcomesOf } from "./declarations.ts";
import type { Skipped } from "./report.ts";

/** What the connector makes of a fixture is refused as no record of Lethe's: a fault of its code, not of a payload. */
interface Refusal {
  readonly fixture: string;
  readonly topic: string;
  readonly message: string;
}

/** Finds them in all fixtures, when the first check asks. */
export function invalidRecords(connector: Connector, fixtures: readonly Fixture[]) {
  let found: Promise<Refusal[]> | undefined;
  const all = () => {
    found ??= Promise.all(deliveriesOf(fixtures).map((fixture) => refusalsOf(connector, fixture))).then(
      (each) => each.flat(),
    );
    return found;
  };
  return {
    /** One line for each topic, however many fixtures it has. */
    async byTopic(): Promise<string[]> {
      const topics = new Map((await all()).toReversed().map((one) => [one.topic, one]));
      return [...topics.values()]
        .toReversed()
        .map(({ topic, fixture, message }) => `"${topic}" (${fixture}.http): ${message}`);
    },
    /** The check, unless what the fixture gives is refused: that is said once, and everything else follows from it. */
    unlessIn:
      ({ name }: Fixture, run: () => readonly string[] | Promise<readonly string[]>) =>
      async (): Promise<readonly string[] | Skipped> =>
        (await all()).some(({ fixture }) => fixture === name)
          ? { skipped: "what the connector records is refused, as another check says" }
          : run(),
  };
}

async function refusalsOf(connector: Connector, fixture: Fixture): Promise<Refusal[]> {
  if (outcomesOf([fixture]).some(({ error }) => error === CODE)) return [];
  const errors = await Promise.all(
    readEvents(connector, fixture).map(async (event) => ({
      topic: event.topic ?? "",
      error: await errorOf(connector, fixture, event),
    })),
  );
  return errors.flatMap(({ topic, error }) =>
    error instanceof LetheError && error.code === CODE
      ? [{ fixture: fixture.name, topic, message: error.message }]
      : [],
  );
}

const CODE = "connector/invalid";

/** None where the request is not let in or cannot be read: other checks say so. */
function readEvents(connector: Connector, fixture: Fixture): readonly ReceivedEvent[] {
  try {
    const tried = caseOf(connector, fixture);
    const received = receiveParts(tried, tried.parts);
    return received.kind === "delivery" ? eventsOf(connector, tried.parts.body, received.about) : [];
  } catch {
    return [];
  }
}

async function errorOf(connector: Connector, { answers }: Fixture, event: ReceivedEvent): Promise<unknown> {
  try {
    const thin = answers.size > 0 && isThin(connector, event);
    const object = thin ? await fetchObject(connector, event, answering(answers)) : undefined;
    interpret(connector, event, new Date(NOW).toISOString(), object);
    return undefined;
  } catch (error) {
    return error;
  }
}
