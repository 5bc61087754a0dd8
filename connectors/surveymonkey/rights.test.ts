import { describe, expect, test } from "vitest";
import type { PersonEntry, RightsApi } from "#kit";
import { Personal } from "#schemas";
import { type SurveyMonkeyOptions, simulateSurveyMonkey } from "../../test/support/platforms/surveymonkey.ts";
import { code, failure } from "../api.support.ts";
import { asked, simulated } from "../consent.support.ts";
import { able, collect, erase, erased, find, ids, open } from "../rights-api.support.ts";

const world = simulated();
const CARLA = "carla+poll@example.com";
const API = "https://api.surveymonkey.com/v3";

async function account(options: SurveyMonkeyOptions = {}) {
  const platform = simulateSurveyMonkey(options);
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}
/** A response of somebody, who may have given more. */
async function responseAt(api: RightsApi, place: string): Promise<PersonEntry> {
  const found = (await find(api, place)).find(({ id }) => id.reveal() === place);
  if (found === undefined) throw new Error("no such response");
  return found;
}
/** A contact who answered a survey. */
async function carla() {
  const { platform, api } = await account();
  const place = platform.add({ email: CARLA });
  const [survey = "", response = ""] = place.split("/");
  return { platform, api, place, survey, response, contact: `contact/${platform.contactOf(CARLA)?.id}` };
}
const CONTACTS = ["active", "optout", "bounced"].map((status) => [
  `GET ${API}/contacts?search_by=email&search=${CARLA}&status=${status}&per_page=100&page=1`,
]);
const SURVEYS = [`GET ${API}/surveys?per_page=100&page=1`];
const BULK = (survey: string) => [
  `GET ${API}/surveys/${survey}/responses/bulk?email=${CARLA}&per_page=100&page=1`,
];

describe("SurveyMonkey is asked for a person", () => {
  test("by a response's place, as webhooks have it, with one request where it was given by a link", async () => {
    const { platform, api, survey } = await carla();
    const place = platform.respond({ survey });
    const response = place.split("/")[1] ?? "";
    expect(ids(await find(api, response, place))).toEqual([place]);
    expect(asked(platform)).toEqual([[`GET ${API}/surveys/${survey}/responses/${response}`]]);
    expect(platform.requests[0]?.headers).toMatchObject({
      accept: "application/json",
      authorization: "Bearer t0ken-of-surveymonkey",
    });
  });

  test("by a response's place, and by the address that it was sent to", async () => {
    const { platform, api, place, survey, response, contact } = await carla();
    const other = platform.respond({ survey, email: CARLA });
    expect(ids(await find(api, place))).toEqual([contact, place, other]);
    expect(asked(platform)).toEqual([
      [`GET ${API}/surveys/${survey}/responses/${response}`],
      ...[...CONTACTS, SURVEYS, BULK(survey)],
    ]);
  });

  test("by a response's id alone, survey by survey", async () => {
    const { platform, api, place, survey, response } = await carla();
    const other = platform.survey();
    expect(ids(await find(api, response))).toEqual([place]);
    expect(asked(platform)).toEqual([
      SURVEYS,
      [`GET ${API}/surveys/${survey}/responses/${response}`],
      [`GET ${API}/surveys/${other}/responses/${response}`],
    ]);
  });

  test("by address: among contacts of any status, and in each survey", async () => {
    const { platform, api, place, survey, contact } = await carla();
    expect(ids(await find(api, CARLA.toUpperCase()))).toEqual([contact, place]);
    expect(asked(platform)).toEqual([...CONTACTS, SURVEYS, BULK(survey)]);
    expect(platform.requests[0]?.url).toContain("search=carla%2Bpoll%40example.com");
  });

  test("once, however many ways they are known by, and all of their pages are read", async () => {
    const { platform, api, place, contact, survey } = await carla();
    for (let n = 0; n < 120; n++) platform.respond({ survey, email: CARLA });
    const found = ids(await find(api, CARLA, place));
    expect(found.slice(0, 2)).toEqual([contact, place]);
    expect(found).toHaveLength(122);
  });

  test("who opted out or bounced is found as well", async () => {
    const { platform, api } = await account();
    const known = [platform.contact(CARLA, "optout"), platform.contact(CARLA, "bounced")];
    expect(ids(await find(api, CARLA))).toEqual(known.map((id) => `contact/${id}`));
  });

  test("exactly: whoever's address only has theirs in it is somebody else", async () => {
    const { platform, api, survey } = await carla();
    platform.contact(`not-${CARLA}`);
    platform.respond({ survey, email: `not-${CARLA}` });
    expect(await find(api, CARLA)).toHaveLength(2);
    world.answer = (request) =>
      platform.handle(new Request(request.url.replace(/email=[^&]*&/, ""), request));
    expect(await find(api, CARLA)).toHaveLength(2);
  });

  test("whom it does not know, or by a phone", async () => {
    const { platform, api, survey } = await carla();
    expect(await find(api, "4711", `${survey}/4711`, "nobody@example.com")).toEqual([]);
    platform.requests.length = 0;
    expect(await find(api, "../contacts/1", "+14165550123")).toEqual([]);
    expect(platform.requests).toEqual([]);
  });

  test("not survey by survey where there are too many: that is left to somebody, and said", async () => {
    const { platform, api, contact } = await carla();
    for (let n = 0; n < 60; n++) platform.survey();
    platform.requests.length = 0;
    const entries = await find(api, CARLA);
    expect(ids(entries)).toEqual([contact, "surveys"]);
    expect(entries.map(able)).toEqual([["collect", "erase", "rectify"], []]);
    expect(asked(platform)).toEqual([...CONTACTS, SURVEYS]);
    expect(await erased(api, "surveys")).toEqual({ state: "unknown" });
  });
});

describe("what SurveyMonkey has of a person", () => {
  test("is the contact, with the company's fields, and the responses, in words and without links", async () => {
    const { platform, api, place, survey, response, contact } = await carla();
    const [of, given] = await find(api, CARLA);
    if (of === undefined || given === undefined) throw new Error("nobody");
    platform.requests.length = 0;
    expect(await collect(of)).toEqual({
      contacts: [
        {
          ...{ id: contact.slice("contact/".length), email: CARLA, first_name: "Carla", last_name: "Canary" },
          custom_fields: { "6": "+14165550123" },
        },
      ],
    });
    const { responses } = await collect(given);
    expect(responses).toMatchObject([
      {
        id: response,
        ip_address: "192.0.2.16",
        pages: [{ questions: [{ heading: "How was it?", answers: [{ simple_text: "Lovely." }] }] }],
      },
    ]);
    expect(JSON.stringify(responses)).not.toContain("t0ken");
    expect(asked(platform)).toEqual([
      [`GET ${API}/contacts/${contact.slice("contact/".length)}`],
      [`GET ${API}/surveys/${survey}/responses/${response}/details?simple=true`],
    ]);
    expect(place).toBe(`${survey}/${response}`);
  });

  test("is nothing any more, when it was deleted meanwhile", async () => {
    const { api, place } = await carla();
    const found = await responseAt(api, place);
    await found.erase?.();
    expect(await collect(found)).toEqual({ responses: [] });
  });
});

describe("an erasure", () => {
  test("deletes the contact and each response, and reads back that they are gone", async () => {
    const { platform, api, place, survey, response, contact } = await carla();
    const entries = await find(api, CARLA);
    platform.requests.length = 0;
    for (const one of entries) expect(await erase(api, one)).toEqual({ state: "gone" });
    const number = contact.slice("contact/".length);
    expect(asked(platform)).toEqual([
      ...[[`DELETE ${API}/contacts/${number}`], [`GET ${API}/contacts/${number}`]],
      [`DELETE ${API}/surveys/${survey}/responses/${response}`],
      [`GET ${API}/surveys/${survey}/responses/${response}`],
    ]);
    expect(platform.has(place)).toBe(false);
  });

  test("that was not asked for finds them there", async () => {
    const { api, place, contact } = await carla();
    for (const id of [place, contact]) expect(await erased(api, id)).toEqual({ state: "there" });
  });

  test("asked for twice is the same as once", async () => {
    const { api, place } = await carla();
    const found = await responseAt(api, place);
    expect([await found.erase?.(), await found.erase?.()]).toEqual([{}, {}]);
    expect(await erased(api, place)).toEqual({ state: "gone" });
  });
});

describe("a correction", () => {
  test("is one request, of what a contact can hold", async () => {
    const { platform, api, contact } = await carla();
    const [of] = await find(api, CARLA);
    const answer = await of?.rectify?.({
      ...{ email: new Personal("carla@new.example"), givenName: new Personal("Carlotta") },
      ...{ familyName: new Personal("Canary"), phone: new Personal("+14165550199") },
    });
    expect(answer).toEqual({
      ...{ held: ["email", "givenName", "familyName"], accepted: [], unsupported: ["phone"] },
    });
    expect(asked(platform).at(-1)).toEqual([
      `PATCH ${API}/contacts/${contact.slice("contact/".length)}`,
      { email: "carla@new.example", first_name: "Carlotta", last_name: "Canary" },
    ]);
  });

  test("of a phone alone asks for nothing, and one that is written otherwise is only accepted", async () => {
    const { platform, api } = await carla();
    const [of] = await find(api, CARLA);
    const sent = platform.requests.length;
    expect(await of?.rectify?.({ phone: new Personal("+14165550199") })).toMatchObject({
      unsupported: ["phone"],
    });
    expect(platform.requests).toHaveLength(sent);
    world.answer = () => Response.json({ id: "1", first_name: "CARLOTTA" });
    expect(await of?.rectify?.({ givenName: new Personal("Carlotta") })).toMatchObject({
      accepted: ["givenName"],
    });
  });

  test("to an address that another contact has, or of a contact that is gone, is refused", async () => {
    const { platform, api } = await carla();
    platform.contact("carla@taken.example");
    const [of] = await find(api, CARLA);
    const correct = () => Promise.resolve(of?.rectify?.({ email: new Personal("carla@taken.example") }));
    expect(await failure(correct())).toEqual(code("platform/refused", { retry: false }));
    await of?.erase?.();
    expect(await failure(correct())).toEqual(code("platform/refused", { retry: false }));
  });

  test("of a response is none: it says what they said", async () => {
    const { api, place } = await carla();
    expect(able(await responseAt(api, place))).toEqual(["collect", "erase"]);
  });
});
