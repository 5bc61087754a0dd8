import { type Hit, inPostgres, searchFor } from "../../support/search.ts";
import { type Dose, type Harness, type Outcome, randomBy } from "../harness.ts";
import { BROKEN_BUILDS } from "./broken-builds.ts";
import { type Canaries, createCanaries } from "./canaries.ts";
import { changeConsents } from "./consents.ts";
import { plantControl } from "./control.ts";
import { knockEverywhere } from "./doors.ts";
import { KNOWN } from "./known.ts";
import { type Places, placesOf, said } from "./places.ts";
import { replayAndList } from "./replay.ts";
import { exerciseRights } from "./rights.ts";
import { sendWebhooks } from "./webhooks.ts";
import { openWorld } from "./world.ts";

/** Milliseconds of a dose in which every round tries everything, and not a part of the bad requests. */
const LONG = 20_000;

interface Found {
  readonly figures: Record<string, number>;
  readonly broken: readonly string[];
}

export default {
  name: "leak",
  promise:
    "Nothing of a person stands in the clear in any file, log, answer, metric or message of the hub, whatever is sent to it.",
  brokenBuilds: BROKEN_BUILDS,
  tried: ["canaries", "places", "bytes searched", "deliveries", "messages", "requests to platforms"],
  async run(dose: Dose): Promise<Outcome> {
    const figures: Record<string, number> = {};
    const broken: string[] = [];
    let rounds = 0;
    do {
      const round = await oneRound(dose, dose.seed + rounds);
      rounds += 1;
      for (const [name, figure] of Object.entries(round.figures))
        figures[name] = (figures[name] ?? 0) + figure;
      broken.push(...round.broken.map((text) => `seed ${dose.seed + rounds - 1}: ${text}`));
    } while (!dose.over() && broken.length === 0);
    return { figures: { rounds, ...figures, hits: broken.length }, broken };
  },
} satisfies Harness;

/** A new hub with new canaries, by the seed alone. */
async function oneRound(dose: Dose, seed: number): Promise<Found> {
  const random = randomBy(seed);
  const share = dose.milliseconds < LONG ? 0.3 : 1;
  const canaries = createCanaries(random);
  const world = await openWorld(canaries);
  const step = (what: string) => dose.progress(`seed ${seed}: ${what}`);
  const early = () =>
    named(searchFor([...canaries.needles(), ...KNOWN]).in(said(world)), said(world), canaries);
  try {
    // Where something is said that may not be, nothing needs to be looked for any further.
    for (const part of [sendWebhooks(world, canaries, random, share), knockEverywhere(world, canaries)])
      for await (const what of part) {
        step(what);
        const found = early();
        if (found.length > 0) return { figures: { requests: world.requests() }, broken: found };
      }
    step("rights");
    const handedOver = await exerciseRights(world, canaries);
    step("consents");
    await changeConsents(world, canaries);
    step("replay");
    await replayAndList(world);
    step("search");
    const control = await plantControl(world, canaries);
    const places = await placesOf(world, handedOver);
    control.remove();
    const search = searchFor([...canaries.needles(), ...KNOWN, ...control.needles]);
    const hits = search.in(places);
    const leaks = hits.filter(({ canary }) => !control.needles.includes(canary));
    return {
      figures: {
        ...{ canaries: canaries.count() + KNOWN.length, forms: search.forms, places: places.size },
        "bytes searched": [...places.values()].reduce((sum, { length }) => sum + length, 0),
        requests: world.requests(),
        deliveries: await inPostgres(
          world.folders.data,
          async (sql) => (await sql`select from delivery`).count,
        ),
        commands: world.lethe.printed.length,
        messages: world.mailbox.messages.length,
        "requests to platforms": world.platforms.asked.length,
      },
      broken: [...control.missed(hits), ...named(leaks, places, canaries)],
    };
  } finally {
    await world.close();
  }
}

/** What was found where, in words that hold nothing of it. */
function named(hits: readonly Hit[], places: Places, canaries: Canaries): string[] {
  return hits.map(({ canary, place }) => {
    const known = KNOWN.indexOf(canary);
    const what =
      known < 0
        ? canaries.labelOf(canary, places.get(place) ?? new Uint8Array())
        : `no. ${known} of known.ts`;
    return `${what} in ${place}`;
  });
}
