import { connectors } from "#connectors";
import { type Connector, type Fixture, loadFixtures } from "#kit";
import { inPostgres } from "../../support/search.ts";
import { sendFixture } from "../../support/send.ts";
import type { Canaries } from "./canaries.ts";
import { plant, plantable } from "./plant.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

/** The request statuses that no connector tries again. */
const REFUSALS = [400, 401, 403, 410, 422];
const FAILURES = [500, 502, 503];

interface Sample {
  readonly connector: Connector;
  readonly fixture: Fixture;
  readonly places: ReadonlySet<string>;
}

/** By connector: every fixture there is, and where a canary may stand in it. Found out once. */
const samples = new Map<string, Promise<readonly Sample[]>>();

function samplesOf(connector: Connector): Promise<readonly Sample[]> {
  const known =
    samples.get(connector.id) ??
    Promise.all(
      loadFixtures(`fixtures/${connector.id}`).map(async (fixture) => ({
        ...{ connector, fixture },
        places: await plantable(connector, fixture),
      })),
    );
  samples.set(connector.id, known);
  return known;
}

/**
 * Every topic of every connector with canaries all over. Then, all of it or by `share` (0 to 1) a part of it by chance: as the fixture
 * has it; again; by another secret; cut off, or of another shape; and with the platform's API answering errors. Yields when the hub
 * has processed a part.
 */
export async function* sendWebhooks(
  world: World,
  canaries: Canaries,
  random: () => number,
  share: number,
): AsyncGenerator<string> {
  const planted: Sample[] = [];
  const answers: (readonly [string, unknown])[] = [];
  for (const connector of connectors.values()) {
    const own = await samplesOf(connector);
    const changed = own.map((sample) => ({ ...sample, fixture: plantIn(sample, canaries) }));
    answers.push(...[...own, ...changed].flatMap(({ fixture }) => [...fixture.answers]));
    world.api.answer(answers);
    for (const { fixture } of changed) await send(world, connector, fixture);
    if (planted.length === 0) {
      await settled(world);
      yield `webhooks of ${connector.id}`;
    }
    planted.push(...changed);
  }
  await settled(world);
  yield "webhooks";

  const chosen = () => random() < share;
  for (const { connector, fixture } of planted) {
    const original = (await samplesOf(connector)).find((one) => one.fixture.name === fixture.name);
    if (original !== undefined && chosen()) await send(world, connector, original.fixture);
    if (chosen()) await send(world, connector, fixture); // a duplicate
    if (chosen()) await send(world, connector, fixture, "another secret");
    if (fixture.method === "POST" && chosen())
      await send(world, connector, { ...withIds(fixture, canaries), body: spoilt(fixture.body, random) });
  }
  await settled(world);
  yield "bad webhooks";

  canaries.anew();
  const thin = planted.filter(({ fixture }) => fixture.answers.size > 0 && chosen());
  const pick = (from: readonly number[]) => from[Math.floor(random() * from.length)] ?? 0;
  for (const [index, { connector, fixture, places }] of thin.entries()) {
    world.api.refuse(index % 8 === 7 ? pick(FAILURES) : pick(REFUSALS));
    await send(world, connector, plantIn({ connector, fixture, places }, canaries));
  }
  await settled(world);
  world.api.answer(answers);
  yield "errors of platforms";
}

const plantIn = ({ connector, fixture, places }: Sample, canaries: Canaries) =>
  plant(connector, fixture, places, canaries);

async function send(world: World, connector: Connector, fixture: Fixture, secret?: string): Promise<void> {
  const connection = world.connections.get(connector.id);
  if (connection === undefined) return;
  const { url } = connection;
  await world.heard(await sendFixture(url, connector.id, fixture, secret ?? connection.secret));
}

/** Signed as it should be; and cannot be read, or is not what it should be. */
function spoilt(body: string, random: () => number): string {
  if (random() < 0.5) return body.slice(0, Math.ceil(body.length * (0.3 + random() * 0.6)));
  return random() < 0.5 ? `[${body}]` : body.replaceAll(/:\s*"(\w[^"]*)"/g, ':{"nested":"$1"}');
}

/** With ids of its own, where its headers carry some: it is no duplicate. */
function withIds(fixture: Fixture, canaries: Canaries): Fixture {
  const headers = Object.entries(fixture.headers).map(([name, value]) =>
    /-id$|-delivery/.test(name) ? [name, canaries.token(name)] : [name, value],
  );
  return { ...fixture, headers: Object.fromEntries(headers) };
}

/** Nothing waits that has not been tried: what a platform failed to answer is tried again much later. */
export const settled = ({ folders }: World) =>
  until("deliveries are processed", () =>
    inPostgres(folders.data, async (sql) => {
      const [row] = await sql<{ left: number }[]>`
        select count(*)::int as left from delivery where status = 'received' and attempts = 0`;
      return row?.left === 0;
    }),
  );
