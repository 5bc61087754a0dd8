import { delay, HttpResponse } from "msw";
import { describe, expect, test, vi } from "vitest";
import { connectors } from "#connectors";
import { code, failure, fetchFor, inMinutes, keeping, platformApis } from "./api.support.ts";

/** The platforms' APIs as their documentation tells of them, called with real fetch. */
const world = platformApis();

describe("Eventbrite is asked", () => {
  const store = keeping({ privateToken: "t0ken" });
  test.each([
    ["order-placed", "https://www.eventbriteapi.com/v3/orders/1034608029/"],
    ["attendee-updated", "https://www.eventbriteapi.com/v3/events/71059816825/attendees/1346364453/"],
    ["barcode-checked-in", "https://www.eventbriteapi.com/v3/events/71059816825/attendees/1346364453/"],
  ])("for what the payload of %s points to", async (name, url) => {
    world.answer = () => HttpResponse.json({ id: "1" });
    expect(await fetchFor("eventbrite", name, store)).toEqual({ id: "1" });
    expect(world.calls).toEqual([
      { method: "GET", url, authorization: "Bearer t0ken", accept: "application/json", body: "" },
    ]);
  });

  test.each([
    ["foreign-host", "platform/foreign-host"],
    ["look-alike-host", "platform/foreign-host"],
    ["look-alike-user", "platform/foreign-host"],
    ["plain-http", "platform/foreign-host"],
    ["other-path", "payload/unexpected-shape"],
    ["other-kind", "payload/unexpected-shape"],
    ["with-query", "payload/unexpected-shape"],
  ])("and nobody else, whatever a payload points to: %s", async (name, expected) => {
    world.answer = () => HttpResponse.json({});
    expect(await failure(fetchFor("eventbrite", name, store))).toEqual(code(expected, { retry: false }));
    expect(world.calls).toEqual([]);
  });
});

describe("SurveyMonkey is asked", () => {
  test.each([
    [undefined, "https://api.surveymonkey.com"],
    ["https://api.eu.surveymonkey.com", "https://api.eu.surveymonkey.com"],
    ["https://api.surveymonkey.ca", "https://api.surveymonkey.ca"],
  ])("for a response without its answers, where the account is: %s", async (accessUrl, host) => {
    world.answer = () => HttpResponse.json({ id: "5007154402" });
    const store = keeping({ accessToken: "t0ken", accessUrl });
    expect(await fetchFor("surveymonkey", "response-completed", store)).toEqual({ id: "5007154402" });
    expect(world.calls).toEqual([
      {
        method: "GET",
        url: `${host}/v3/surveys/105724755/responses/5007154402`,
        ...{ authorization: "Bearer t0ken", accept: "application/json", body: "" },
      },
    ]);
  });

  test("nowhere else, even if the credentials say so", () => {
    const { credentials } = connectors.get("surveymonkey") ?? {};
    const given = { accessToken: "t", accessUrl: "https://api.surveymonkey.com.attacker.example" };
    expect(credentials?.safeParse(given).success).toBe(false);
  });

  test("for nothing without a survey, or at a place that is no response", async () => {
    world.answer = () => HttpResponse.json({});
    const store = keeping({ accessToken: "t0ken" });
    expect(await fetchFor("surveymonkey", "response-completed-no-survey", store)).toBeUndefined();
    const elsewhere = fetchFor("surveymonkey", "unexpected-shape", store);
    expect(await failure(elsewhere)).toEqual(code("payload/unexpected-shape"));
    expect(world.calls).toEqual([]);
  });
});

/** Mebibytes. */
const ENDLESS = 40;
const lasting = { accessToken: "access-t0ken", accessTokenExpires: inMinutes(60) };
describe.each([
  [
    "quickbooks",
    "customer",
    { clientId: "ABc1", clientSecret: "s3cret", refreshToken: "refresh-1", ...lasting },
  ],
  ["eventbrite", "order-placed", { privateToken: "t0ken" }],
  ["surveymonkey", "response-completed", { accessToken: "t0ken" }],
])("what %s answers", (platform, name, credentials) => {
  const get = () => fetchFor(platform, name, keeping(credentials));
  const personal = JSON.stringify({ name: "Canary Q. Leak", email: "canary@leak.example" });

  test.each([404, 410])("is nothing when it says %i", async (status) => {
    world.answer = () => new HttpResponse(personal, { status });
    expect(await get()).toBeUndefined();
  });

  test("keeps the digits of its numbers", async () => {
    world.answer = () => new HttpResponse('{"id":706405506930370084}');
    expect(await get()).toEqual({ id: "706405506930370084" });
  });

  test.each([
    [429, { "retry-after": "17" }, "platform/rate-limited", { retry: true, retryAfter: 17_000 }],
    [429, {}, "platform/rate-limited", { retry: true, retryAfter: undefined }],
    [429, { "retry-after": "soon" }, "platform/rate-limited", { retry: true, retryAfter: undefined }],
    [408, {}, "platform/unavailable", { retry: true }],
    [500, {}, "platform/unavailable", { retry: true }],
    [503, {}, "platform/unavailable", { retry: true }],
    [400, {}, "platform/refused", { retry: false }],
    [403, {}, "platform/unauthorised", { retry: false }],
  ])("%i %j ends with %s", async (status, headers, expected, more) => {
    world.answer = () => new HttpResponse(personal, { status, headers });
    expect(await failure(get())).toEqual(code(expected, more));
    expect(world.calls).toHaveLength(1);
  });

  test("429 may name a time", async () => {
    const until = new Date(inMinutes(2)).toUTCString();
    world.answer = () => new HttpResponse(null, { status: 429, headers: { "retry-after": until } });
    const error = (await failure(get())) as { retryAfter: number };
    expect(error.retryAfter).toBeGreaterThan(115_000);
    expect(error.retryAfter).toBeLessThanOrEqual(120_000);
  });

  test.each([301, 302, 307, 308])(
    "%i is not followed: it would carry the token elsewhere",
    async (status) => {
      world.answer = () =>
        new HttpResponse(null, { status, headers: { location: "https://attacker.example/" } });
      expect(await failure(get())).toEqual(code("platform/refused"));
      expect(world.calls).toHaveLength(1);
    },
  );

  test.each([
    ["a page", "<html>canary@leak.example</html>"],
    ["half of a body", personal.slice(0, -1)],
    ["nothing", ""],
  ])("is unreadable when it is %s", async (_what, body) => {
    world.answer = () => new HttpResponse(body);
    expect(await failure(get())).toEqual(code("platform/unreadable", { retry: false }));
  });

  test("is too large beyond two mebibytes, and not read to its end", async () => {
    let sent = 0;
    world.answer = () =>
      new HttpResponse(
        new ReadableStream({
          pull(stream) {
            sent += 1;
            stream.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
            if (sent === ENDLESS) stream.close();
          },
        }),
      );
    expect(await failure(get())).toEqual(code("platform/too-large", { retry: false }));
    expect(sent).toBeLessThan(ENDLESS);
  });

  test("is waited for, and not for ever", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const limit = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(30));
    world.answer = async () => {
      await delay(2_000);
      return new HttpResponse(personal);
    };
    expect(await failure(get())).toEqual(code("platform/unavailable", { retry: true }));
    expect(limit).toHaveBeenCalledWith(10_000);
  });

  test("may not come at all", async () => {
    world.answer = () => HttpResponse.error();
    expect(await failure(get())).toEqual(code("platform/unavailable", { retry: true }));
  });
});

test("a token that cannot be renewed and is refused is the operator's to replace", async () => {
  world.answer = () => new HttpResponse(null, { status: 401 });
  for (const [platform, name] of [
    ["eventbrite", "order-placed"],
    ["surveymonkey", "response-completed"],
  ] as const) {
    const store = keeping({ privateToken: "t0ken", accessToken: "t0ken" });
    expect(await failure(fetchFor(platform, name, store))).toEqual(
      code("platform/unauthorised", { retry: false }),
    );
  }
  expect(world.calls).toHaveLength(2);
});
