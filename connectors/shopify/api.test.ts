import { delay, HttpResponse } from "msw";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type SimulatedShopify, simulateShopify } from "../../test/support/platforms/shopify.ts";
import { code, failure, inMinutes } from "../api.support.ts";
import { held, open, person, set, simulated, wish } from "../consent.support.ts";

const world = simulated();

const email = { purpose: "email_marketing" } as const;

const ADDRESS = "carla@canary.example";
const AT = "2026-11-20T09:15:00.123Z";

let shop: SimulatedShopify;
beforeEach(() => {
  shop = simulateShopify({ accessToken: "shpat_t0ken" });
  world.platforms = [shop];
});

describe("what Shopify refuses", () => {
  test("of a change ends it, and its text goes nowhere", async () => {
    const id = shop.add({ email: ADDRESS });
    const found = await (await open(shop)).find(person(id));
    const future = new Date(inMinutes(5)).toISOString();
    expect(await failure(Promise.resolve(found?.set(email, wish("granted", future))))).toEqual(
      code("platform/refused", { retry: false }),
    );
    world.answer = () =>
      HttpResponse.json({ data: { changed: { customer: null, userErrors: [{ code: "INTERNAL_ERROR" }] } } });
    expect(await failure(Promise.resolve(found?.set(email, wish("granted", AT))))).toEqual(
      code("platform/unavailable", { retry: true }),
    );
  });

  test.each([
    [401, undefined, "platform/unauthorised", { retry: false }],
    [403, undefined, "platform/unauthorised", { retry: false }],
    [404, undefined, "platform/refused", { retry: false }],
    [422, undefined, "platform/refused", { retry: false }],
    [423, undefined, "platform/refused", { retry: false }],
    [408, undefined, "platform/unavailable", { retry: true }],
    [429, "2.0", "platform/rate-limited", { retry: true, retryAfter: 2_000 }],
    [429, "17", "platform/rate-limited", { retry: true, retryAfter: 17_000 }],
    [429, "soon", "platform/rate-limited", { retry: true, retryAfter: undefined }],
    [500, undefined, "platform/unavailable", { retry: true }],
    [503, "30", "platform/unavailable", { retry: true, retryAfter: 30_000 }],
    [302, undefined, "platform/refused", { retry: false }],
  ])("with %i %s ends with %s, after one request", async (status, retryAfter, expected, more) => {
    const id = shop.add({ email: ADDRESS });
    const api = await open(shop);
    const found = await api.find(person(id, ADDRESS));
    shop.fail({ status, ...(retryAfter === undefined ? {} : { retryAfter }) });
    expect(await failure(api.find(person(id, ADDRESS)))).toEqual(code(expected, more));
    expect(await failure(Promise.resolve(found?.set(email, wish("withdrawn", AT))))).toEqual(
      code(expected, more),
    );
    expect(shop.requests).toHaveLength(3);
    shop.fail();
    expect(await found?.set(email, wish("withdrawn", AT))).toMatchObject({ answer: "held" });
  });

  test("until a date waits so long", async () => {
    shop.fail({ status: 429, retryAfter: new Date(inMinutes(2)).toUTCString() });
    const error = (await failure((await open(shop)).find(person("1")))) as { retryAfter: number };
    expect(error.retryAfter).toBeGreaterThan(115_000);
    expect(error.retryAfter).toBeLessThanOrEqual(120_000);
  });

  test("for what it costs waits until the bucket is full enough", async () => {
    const id = shop.add({ email: ADDRESS });
    const api = await open(shop);
    shop.throttle(120);
    expect(await failure(api.find(person(id)))).toEqual(
      code("platform/rate-limited", { retry: true, retryAfter: 3_000 }),
    );
    shop.throttle();
    expect(await held(api, email, id)).toEqual({ state: "not_asked" });
  });

  const errors = (...codes: (string | undefined)[]) => ({
    errors: codes.map((one) => ({ message: `about ${ADDRESS}`, ...(one && { extensions: { code: one } }) })),
  });
  test.each([
    ["THROTTLED without its cost", errors("THROTTLED"), "platform/rate-limited", true],
    ["ACCESS_DENIED", errors("ACCESS_DENIED"), "platform/unauthorised", false],
    ["SHOP_INACTIVE", errors("SHOP_INACTIVE"), "platform/unauthorised", false],
    ["INTERNAL_SERVER_ERROR", errors("INTERNAL_SERVER_ERROR"), "platform/unavailable", true],
    ["a field that it does not know", errors("undefinedField"), "platform/refused", false],
    ["several", errors("ACCESS_DENIED", "INTERNAL_SERVER_ERROR", undefined), "platform/unavailable", true],
    ["something else than JSON", "<html>", "platform/unavailable", true],
    ["something that was not asked for", { data: { by0: { id: 7 } } }, "platform/unreadable", false],
    ["nothing", {}, "platform/unavailable", true],
  ])("with a 200 that holds %s", async (_, body, expected, retry) => {
    world.answer = () => (typeof body === "string" ? HttpResponse.text(body) : HttpResponse.json(body));
    expect(await failure((await open(shop)).find(person("1", ADDRESS)))).toEqual(code(expected, { retry }));
  });
});

describe("Shopify, when it", () => {
  test.each(["cut", "late", "broken off"])("is %s, is asked again later", async (how) => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const limit = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(50));
    if (how === "cut") shop.fail("cut");
    if (how === "late") world.answer = () => delay("infinite").then(() => HttpResponse.json({}));
    if (how === "broken off")
      world.answer = () => new HttpResponse('{"data":', { headers: { "content-type": "application/json" } });
    expect(await failure((await open(shop)).find(person("1", ADDRESS)))).toEqual(
      code("platform/unavailable", { retry: true }),
    );
    expect(limit).toHaveBeenCalledWith(10_000);
  });

  test.each([301, 302, 307, 308])(
    "redirects with %i, is not followed: the token would go along",
    async (status) => {
      const location = "https://attacker.example/admin/api/2026-07/graphql.json";
      world.answer = ({ url }) =>
        url.startsWith("https://attacker.")
          ? HttpResponse.json({})
          : new HttpResponse(null, { status, headers: { location } });
      expect(await failure((await open(shop)).find(person("1")))).toEqual(code("platform/refused"));
    },
  );
});

describe("a connection", () => {
  test("calls its own shop with its own token, whatever another does at the same time", async () => {
    const other = simulateShopify({ shop: "other.myshopify.com", accessToken: "shpat_other" });
    world.platforms = [shop, other];
    const ids = [shop.add({ email: ADDRESS }), other.add({ email: ADDRESS })];
    const apis = await Promise.all([open(shop), open(other)]);
    await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const [api, id] = [apis[n % 2], ids[n % 2]];
        if (api !== undefined && id !== undefined) await set(api, person(id), email, wish("granted", AT));
      }),
    );
    for (const { requests, outbox } of [shop, other]) {
      expect(requests).toHaveLength(10);
      expect(outbox).toHaveLength(1);
    }
    const wrong = await open(shop, { credentials: { accessToken: "shpat_other" } });
    expect(await failure(wrong.find(person("1")))).toEqual(code("platform/unauthorised", { retry: false }));
  });

  test.each([
    ["another shop than its webhooks come from", { shop: "other.myshopify.com" }],
    ["a host that is not Shopify's", { shop: "attacker.example" }],
    ["an address within it", { shop: "lethe-sandbox.myshopify.com/../attacker.example" }],
  ])("does not send its token to %s", async (_, credentials) => {
    const opened = open(shop, { credentials });
    expect(await failure(opened)).toEqual(code("platform/no-credentials", { retry: false }));
    expect(shop.requests).toEqual([]);
  });

  test("may do without an account, and write its shop in capitals", async () => {
    const id = shop.add({ email: ADDRESS });
    const api = await open(shop, { account: null, credentials: { shop: " Lethe-Sandbox.myshopify.com" } });
    expect(await held(api, email, id)).toEqual({ state: "not_asked" });
  });
});
