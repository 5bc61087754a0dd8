import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, createController } from "#controllers";
import type { Hub, Rooms } from "#hub";
import { listDeliveries } from "#intake";
import { type Connector, type Fixture, freshSecret } from "#kit";
import { type ControllerId, describeError } from "#schemas";
import { paint, table } from "./print.ts";
import { fixturesOf, sendFixture } from "./send.ts";

interface Played {
  readonly [column: string]: string | null;
}

/** On an empty data directory: a sandbox controller, a connection for each platform, and a signed sample through each door. */
export async function playSandbox({ rooms, url }: Hub): Promise<void> {
  const { database, ring } = rooms;
  const controller = await createController(database, ring, { name: "sandbox", environment: "sandbox" });
  const played: Played[] = [];
  for (const connector of rooms.connectors.values())
    played.push(
      // A connector whose sample is broken is no reason not to run.
      await play(rooms, connector, controller.id, url).catch((error) => ({
        ...{ connector: connector.name, url: null, sample: null },
        answer: describeError(error).code,
      })),
    );
  await processed(rooms, controller.id);
  process.stdout.write(
    [
      `Lethe is ready at ${paint("cyan", url)}`,
      "",
      "The data directory was empty, so there is a sandbox to try things in: a controller, a connection for each",
      "platform, and one signed sample sent through each door.",
      "",
      table(played, ""),
      "",
      "Try next, in another terminal:",
      "  npx lethe deliveries list          what came in",
      "  npx lethe subjects list            the people in it, as keyed hashes: several platforms, one person",
      "  npx lethe send shopify orders-create",
      "  npx lethe audit verify",
      "  npx lethe --help",
      "",
    ].join("\n"),
  );
}

async function play(
  rooms: Rooms,
  connector: Connector,
  controller: ControllerId,
  url: string,
): Promise<Played> {
  const secret = freshSecret(connector);
  const connection = await createConnection(
    rooms.database,
    rooms.ring,
    connector,
    controller,
    { secret, configuration: connector.configuration?.example },
    url,
  );
  const played = { connector: connector.name, url: connection.url };
  const fixture = sampleOf(fixturesOf(rooms, connector.id));
  if (fixture === undefined) return { ...played, sample: null, answer: null };
  const { status } = await sendFixture(rooms, connector.id, fixture, connection.id, url);
  return { ...played, sample: fixture.name, answer: String(status) };
}

/**
 * One by which a platform gets to know a person: several platforms' then lead to one and the same. Otherwise one that at
 * least goes well without the platform's API, of which a sandbox has no credentials.
 */
function sampleOf(fixtures: readonly Fixture[]): Fixture | undefined {
  const well = fixtures.filter(({ answers, expect: { outcome, error, events = [] } }) => {
    const faults = [error, ...events.map((event) => event.error)].filter((fault) => fault !== undefined);
    return answers.size === 0 && outcome === undefined && faults.length === 0;
  });
  const people = well.filter((fixture) => recordsOf(fixture).some((record) => "email" in record));
  const sample = people.find(({ name }) => /creat|^subscribe/.test(name)) ?? people[0];
  return sample ?? well.find((fixture) => recordsOf(fixture).some(({ type }) => type === "activity"));
}

function recordsOf({ expect: { records = [], events = [] } }: Fixture): { type?: unknown }[] {
  return [...records, ...events.flatMap((event) => event.records ?? [])].filter(
    (record) => typeof record === "object" && record !== null,
  );
}

async function processed({ database }: Hub["rooms"], controllerId: ControllerId): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const waiting = await database.inController(controllerId, (tx) =>
      listDeliveries(tx, { status: "received", limit: 1 }),
    );
    if (waiting.length === 0) return;
    await sleep(20);
  }
}
