import { describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { simulateSurveyMonkey } from "../../test/support/platforms/surveymonkey.ts";
import { code, failure } from "../api.support.ts";
import { simulated } from "../consent.support.ts";
import { entry, erased, failsAsItShould, find, ids, open, readsNoNonsense } from "../rights-api.support.ts";

const world = simulated();
const CARLA = "carla+poll@example.com";

async function carla() {
  const platform = simulateSurveyMonkey();
  world.platforms = [platform];
  const api = await open(platform);
  platform.contact(CARLA);
  // By a link: so it is found with one request.
  const place = platform.respond({ survey: platform.survey() });
  return { platform, api, place, found: () => entry(api, place) };
}

describe("SurveyMonkey fails to be asked for a person", () => {
  const finding = async () => {
    const { platform, api } = await carla();
    return { platform, call: () => find(api, CARLA) };
  };
  failsAsItShould(world, finding);
  readsNoNonsense(world, finding);

  test("that has no contacts at all is no answer about one", async () => {
    const { platform, api } = await carla();
    platform.fail({ status: 404 });
    expect(await failure(find(api, CARLA))).toEqual(code("platform/refused", { retry: false }));
  });
});

describe("SurveyMonkey fails to delete", () => {
  failsAsItShould(world, async () => {
    const { platform, found } = await carla();
    const response = await found();
    return { platform, call: async () => response.erase?.() };
  });
});

describe("SurveyMonkey fails to read back, to collect, or to correct", () => {
  failsAsItShould(world, async () => {
    const { platform, api, place } = await carla();
    return { platform, call: async () => erased(api, place) };
  });
  readsNoNonsense(world, async () => {
    const response = await (await carla()).found();
    return { call: async () => response.collect?.() };
  });
  readsNoNonsense(world, async () => {
    const [contact] = await find((await carla()).api, CARLA);
    return { call: async () => contact?.rectify?.({ givenName: new Personal("Carlotta") }) };
  });
});

describe("a connection", () => {
  test("calls where its account is with its own token, whatever another does at the same time", async () => {
    const options = { accessToken: "t0ken-2", accessUrl: "https://api.eu.surveymonkey.com" } as const;
    const platforms = [simulateSurveyMonkey(), simulateSurveyMonkey(options)];
    world.platforms = platforms;
    const there = platforms.map((platform) => ({
      platform,
      id: platform.respond({ survey: platform.survey() }),
    }));
    await Promise.all(
      there.map(async ({ platform, id }) => expect(ids(await find(await open(platform), id))).toEqual([id])),
    );
    for (const { platform } of there) expect(platform.requests).toHaveLength(1);
    const wrong = await open(simulateSurveyMonkey(), { credentials: { accessToken: "t0ken-3" } });
    expect(await failure(find(wrong, "1/2"))).toEqual(code("platform/unauthorised", { retry: false }));
  });
});
