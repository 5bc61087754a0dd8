import { delay, HttpResponse } from "msw";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type SimulatedMailchimp, simulateMailchimp } from "../../test/support/platforms/mailchimp.ts";
import { code, failure, inMinutes } from "../api.support.ts";
import { held, open, person, set, simulated, wish } from "../consent.support.ts";

const world = simulated();

const email = { purpose: "email_marketing" } as const;
const ADDRESS = "carla@canary.example";
const AT = "2026-11-20T09:15:00.000Z";

let chimp: SimulatedMailchimp;
beforeEach(() => {
  chimp = simulateMailchimp({ apiKey: "t0ken-us21" });
  world.platforms = [chimp];
});

describe("what Mailchimp refuses", () => {
  test.each([
    [401, undefined, "platform/unauthorised", { retry: false }],
    [403, undefined, "platform/unauthorised", { retry: false }],
    [400, undefined, "platform/refused", { retry: false }],
    [405, undefined, "platform/refused", { retry: false }],
    [408, undefined, "platform/unavailable", { retry: true }],
    [429, "17", "platform/rate-limited", { retry: true, retryAfter: 17_000 }],
    [429, undefined, "platform/rate-limited", { retry: true, retryAfter: undefined }],
    [500, undefined, "platform/unavailable", { retry: true }],
    [503, "30", "platform/unavailable", { retry: true, retryAfter: 30_000 }],
  ])("with %i %s ends with %s, after one request", async (status, retryAfter, expected, more) => {
    const id = chimp.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    const api = await open(chimp);
    const found = await api.find(person(id));
    chimp.fail({ status, ...(retryAfter === undefined ? {} : { retryAfter }) });
    const calls = [
      () => api.find(person(id)),
      () => api.find(person(ADDRESS)),
      async () => found?.set(email, wish("granted", AT)),
      async () => found?.set(email, wish("withdrawn", AT)),
    ];
    for (const call of calls) expect(await failure(call())).toEqual(code(expected, more));
    expect(chimp.requests).toHaveLength(1 + calls.length);
    chimp.fail();
    expect(await found?.set(email, wish("withdrawn", AT))).toMatchObject({ answer: "held" });
  });

  test("until a date waits so long", async () => {
    chimp.fail({ status: 429, retryAfter: new Date(inMinutes(2)).toUTCString() });
    const error = (await failure((await open(chimp)).find(person(ADDRESS)))) as { retryAfter: number };
    expect(error.retryAfter).toBeGreaterThan(115_000);
    expect(error.retryAfter).toBeLessThanOrEqual(120_000);
  });

  test("because the audience is not there is no person who is not there", async () => {
    const api = await open(chimp, { account: "another" });
    expect(await failure(api.find(person("8a25ff1d98")))).toEqual(code("platform/refused"));
  });

  test("of a person who is gone by now ends it", async () => {
    const found = await (async () => {
      const id = chimp.add({ email: ADDRESS });
      return (await open(chimp)).find(person(id));
    })();
    chimp.fail({ status: 404 });
    expect(await failure(Promise.resolve(found?.set(email, wish("granted", AT))))).toEqual(
      code("platform/refused"),
    );
  });

  test("of an opt-out is never left to the person", async () => {
    const id = chimp.add({ email: ADDRESS });
    const found = await (await open(chimp)).find(person(id));
    world.answer = () =>
      HttpResponse.json({ title: "Member In Compliance State", detail: ADDRESS }, { status: 400 });
    expect(await failure(Promise.resolve(found?.set(email, wish("withdrawn", AT))))).toEqual(
      code("platform/refused"),
    );
  });

  test.each([
    ["something else than a member", () => HttpResponse.json({ id: 7 }), "platform/unreadable", false],
    ["no JSON", () => HttpResponse.text(`{"email_address":"${ADDRESS}"`), "platform/unreadable", false],
    [
      "JSON that breaks off",
      () => new HttpResponse(`{"id":"${ADDRESS}`, { headers: { "content-type": "application/json" } }),
      "platform/unavailable",
      true,
    ],
    ["a page", () => HttpResponse.html("<h1>carla", { status: 502 }), "platform/unavailable", true],
  ])("with %s", async (_, answer, expected, retry) => {
    world.answer = answer;
    expect(await failure((await open(chimp)).find(person(ADDRESS)))).toEqual(code(expected, { retry }));
  });
});

describe("Mailchimp, when it", () => {
  test("breaks the connection, is asked again later", async () => {
    chimp.fail("cut");
    expect(await failure((await open(chimp)).find(person(ADDRESS)))).toEqual(
      code("platform/unavailable", { retry: true }),
    );
  });

  test.each(["does not answer", "does not end its answer"])(
    "%s in ten seconds, is asked again later",
    async (how) => {
      const wait = setTimeout;
      vi.spyOn(globalThis, "setTimeout").mockImplementation(((then: () => void, time?: number) =>
        wait(then, time === 10_000 ? 50 : time)) as typeof setTimeout);
      const endless = new ReadableStream({
        start: (body) => body.enqueue(new TextEncoder().encode('{"id":')),
      });
      const headers = { "content-type": "application/json" };
      world.answer = () =>
        how === "does not answer"
          ? delay("infinite").then(Response.error)
          : new HttpResponse(endless, { headers });
      expect(await failure((await open(chimp)).find(person(ADDRESS)))).toEqual(
        code("platform/unavailable", { retry: true }),
      );
      await delay(50); // for what comes after the end
    },
  );

  test.each([301, 302, 303, 307, 308])(
    "redirects with %i, is not followed: the key would go along",
    async (status) => {
      const headers = { location: "https://attacker.example/3.0/lists/a6b5da1054/members" };
      world.answer = ({ url }) =>
        url.startsWith("https://attacker.")
          ? HttpResponse.json({})
          : new HttpResponse(null, { status, headers });
      expect(await failure((await open(chimp)).find(person(ADDRESS)))).toEqual(code("platform/refused"));
    },
  );
});

describe("a connection", () => {
  test("calls its own audience with its own key, whatever another does at the same time", async () => {
    const other = simulateMailchimp({ apiKey: "other-us7", list: "3cc3b53cd9" });
    world.platforms = [chimp, other];
    const ids = [chimp.add({ email: ADDRESS }), other.add({ email: ADDRESS })];
    const apis = await Promise.all([open(chimp), open(other)]);
    await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const [api, id] = [apis[n % 2], ids[n % 2]];
        if (api !== undefined && id !== undefined) await set(api, person(id), email, wish("granted", AT));
      }),
    );
    for (const { requests, outbox } of [chimp, other]) {
      expect(requests).toHaveLength(10);
      expect(outbox).toHaveLength(1);
    }
    const wrong = await open(chimp, { credentials: { apiKey: "t0ken.2-us21" } });
    expect(await failure(wrong.find(person(ADDRESS)))).toEqual(
      code("platform/unauthorised", { retry: false }),
    );
  });

  test("leaves the client alone that the SDK shares with the whole process", async () => {
    const id = chimp.add({ email: ADDRESS });
    expect(await held(await open(chimp), email, id)).toEqual({ state: "not_asked" });
    const { default: shared } = await import("@mailchimp/mailchimp_marketing");
    expect(Reflect.get(shared, "config")).toEqual({ apiKey: "", accessToken: "", server: "invalid-server" });
  });

  test("without an audience says what it needs", async () => {
    expect(await failure(open(chimp, { account: null }))).toEqual(
      code("platform/no-credentials", {
        retry: false,
        message: expect.stringMatching(/"listId".*connection update/),
      }),
    );
  });
});
