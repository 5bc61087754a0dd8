import { delay, HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type SimulatedShopify, simulateShopify } from "../../test/support/platforms/shopify.ts";
import { code, failure } from "../api.support.ts";
import { held, open, person, set, simulated, wish } from "../consent.support.ts";

const world = simulated();

const email = { purpose: "email_marketing" } as const;
const ADDRESS = "carla@canary.example";
const AT = "2026-11-20T09:15:00.123Z";
const OAUTH = "https://lethe-sandbox.myshopify.com/admin/oauth/access_token";

/** Tokens are kept for the process, so that each test has an app of its own. */
let apps = 0;
const newApp = () => ({ clientId: `app-${++apps}`, clientSecret: `shpss_s3cret-${apps}` });

let shop: SimulatedShopify;
let app: ReturnType<typeof newApp>;
let id: string;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-20T10:00:00Z") });
  app = newApp();
  shop = simulateShopify({ app });
  id = shop.add({ email: ADDRESS });
  world.platforms = [shop];
});
afterEach(() => {
  vi.useRealTimers();
});

const isGrant = ({ url }: { url: string }) => url.endsWith("/admin/oauth/access_token");
/** The requests that came, in order: a token was asked for, or something was asked with a token, numbered as they came. */
const story = ({ requests } = shop) => {
  const seen: (string | undefined)[] = [];
  return requests.map((request) => {
    if (isGrant(request)) return "grant";
    const token = request.headers["x-shopify-access-token"];
    if (!seen.includes(token)) seen.push(token);
    return seen.indexOf(token) + 1;
  });
};
const find = async (connection = shop) => (await open(connection)).find(person("1", ADDRESS));

describe("an app's token", () => {
  test("is got before the first call, as the documentation says", async () => {
    expect(await held(await open(shop), email, id)).toEqual({ state: "not_asked" });
    const [grant, call] = shop.requests;
    expect(grant).toMatchObject({
      ...{ method: "POST", url: OAUTH },
      headers: { "content-type": "application/json", accept: "application/json" },
    });
    expect(JSON.parse(grant?.body ?? "")).toEqual({
      ...{ grant_type: "client_credentials", client_id: app.clientId, client_secret: app.clientSecret },
    });
    expect(grant?.headers).not.toHaveProperty("x-shopify-access-token");
    expect(call?.headers["x-shopify-access-token"]).toMatch(/^shpat_t0ken_/);
    expect(shop.requests).toHaveLength(2);
  });

  test("serves all calls after it, of connections that are opened later, too", async () => {
    await set(await open(shop), person(id), email, wish("granted", AT));
    await find();
    expect(shop.state(id, "email_marketing")).toBe("granted");
    expect(story()).toEqual(["grant", 1, 1, 1]);
  });

  test("is asked for once by calls that run side by side", async () => {
    await Promise.all(Array.from({ length: 5 }, () => find()));
    expect(story()).toEqual(["grant", 1, 1, 1, 1, 1]);
  });

  test("is used until a minute before its day is over", async () => {
    await find();
    vi.advanceTimersByTime((86_399 - 61) * 1_000);
    await find();
    expect(story()).toEqual(["grant", 1, 1]);
    vi.advanceTimersByTime(1_000);
    await find();
    expect(story()).toEqual(["grant", 1, 1, "grant", 2]);
  });

  test("lasts as long as Shopify says", async () => {
    shop = simulateShopify({ app: { ...app, lasts: 600 } });
    world.platforms = [shop];
    await find();
    vi.advanceTimersByTime(539_000);
    await find();
    vi.advanceTimersByTime(1_000);
    await find();
    expect(story()).toEqual(["grant", 1, 1, "grant", 2]);
  });

  test("is replaced when the API does not take it any more, and the call made again", async () => {
    await find();
    shop.revoke();
    expect(await set(await open(shop), person(id), email, wish("granted", AT))).toMatchObject({
      held: { state: "granted" },
    });
    expect(story()).toEqual(["grant", 1, 1, "grant", 2, 2]);
    expect(shop.outbox).toHaveLength(1);
  });

  test("is replaced once for all calls that find it revoked", async () => {
    await find();
    shop.revoke();
    await Promise.all(Array.from({ length: 5 }, () => find()));
    expect(story().filter((what) => what === "grant")).toHaveLength(2);
    expect(story().slice(-5)).toEqual([2, 2, 2, 2, 2]);
  });

  test("is replaced once a call: a fresh one that is refused, too, is for a person to mend", async () => {
    world.answer = (request) =>
      isGrant(request) ? shop.handle(request) : HttpResponse.json({ errors: "[API]" }, { status: 401 });
    expect(await failure(find())).toEqual(code("platform/unauthorised", { retry: false }));
    expect(story()).toEqual(["grant", "grant"]);
  });

  test("is not replaced for what another token would not mend", async () => {
    await find();
    for (const status of [403, 429, 500]) {
      shop.fail({ status });
      await failure(find());
    }
    expect(story()).toEqual(["grant", 1, 1, 1, 1]);
  });

  test("is each app's and each shop's own, whatever runs at the same time", async () => {
    const shared = newApp();
    const shops = [
      shop,
      simulateShopify({ shop: "other.myshopify.com", app: newApp() }),
      simulateShopify({ shop: "first.myshopify.com", app: shared }),
      simulateShopify({ shop: "second.myshopify.com", app: shared }),
    ];
    world.platforms = shops;
    for (const one of shops.slice(1)) one.add({ email: ADDRESS });
    const found = await Promise.all([...shops, ...shops].map(find));
    expect(found.map((there) => there?.held(email))).toEqual(Array(8).fill({ state: "not_asked" }));
    for (const one of shops) expect(story(one)).toEqual(["grant", 1, 1]);
  });

  test.each([{ clientSecret: "shpss_s3cret-new" }, { clientId: "s3cret-new" }])(
    "serves nobody who has not all that it came for, such as %j",
    async (credentials) => {
      await find();
      const other = await open(shop, { credentials });
      expect(await failure(other.find(person(id)))).toEqual(code("platform/unauthorised", { retry: false }));
      expect(story()).toEqual(["grant", 1, "grant"]);
    },
  );

  test("is of the connection's account, where the credentials name no shop", async () => {
    expect(await held(await open(shop, { credentials: { shop: undefined } }), email, id)).toEqual({
      state: "not_asked",
    });
    const nowhere = open(shop, { account: null, credentials: { shop: undefined } });
    expect(await failure(nowhere)).toEqual(code("platform/no-credentials"));
  });
});

describe("when Shopify gives no token", () => {
  test.each([
    ["the secret is wrong", { clientSecret: "shpss_s3cret-wrong" }],
    ["there is no such app", { clientId: "s3cret-nobody" }],
  ])("because %s, it is for a person to mend, and its page goes nowhere", async (_, credentials) => {
    const api = await open(shop, { credentials });
    expect(await failure(api.find(person(id, ADDRESS)))).toEqual(
      code("platform/unauthorised", { retry: false, message: expect.stringContaining("(400)") }),
    );
    expect(story()).toEqual(["grant"]);
  });

  test("because the app is not in the shop any more, too, and again once it is", async () => {
    await find();
    shop.uninstall();
    expect(await failure(find())).toEqual(code("platform/unauthorised", { retry: false }));
    expect(await failure(find())).toEqual(code("platform/unauthorised", { retry: false }));
    expect(story()).toEqual(["grant", 1, 1, "grant", "grant"]);
    shop = simulateShopify({ app });
    world.platforms = [shop];
    await find();
    expect(story()).toEqual(["grant", 1]);
  });

  test.each([
    [400, undefined, "platform/unauthorised", { retry: false }],
    [401, undefined, "platform/unauthorised", { retry: false }],
    [403, undefined, "platform/unauthorised", { retry: false }],
    [404, undefined, "platform/refused", { retry: false }],
    [302, undefined, "platform/refused", { retry: false }],
    [429, "2.0", "platform/rate-limited", { retry: true, retryAfter: 2_000 }],
    [500, undefined, "platform/unavailable", { retry: true }],
    [503, "30", "platform/unavailable", { retry: true, retryAfter: 30_000 }],
  ])(
    "but %i %s, that ends with %s, and the next call asks again",
    async (status, retryAfter, expected, more) => {
      shop.fail({ status, ...(retryAfter === undefined ? {} : { retryAfter }) });
      const both = await Promise.all([failure(find()), failure(find())]);
      expect(both).toEqual([code(expected, more), code(expected, more)]);
      expect(story()).toEqual(["grant"]);
      shop.fail();
      await find();
      expect(story()).toEqual(["grant", "grant", 1]);
    },
  );

  test.each([
    ["is cut", () => HttpResponse.error(), "platform/unavailable"],
    ["breaks off", () => new HttpResponse('{"access_token": "shpat_t0k'), "platform/unavailable"],
    ["is a page", () => HttpResponse.html("<html>s3cret"), "platform/unavailable"],
    ["holds none", () => HttpResponse.json({ scope: "" }), "platform/unreadable"],
    ["never comes", () => delay("infinite").then(() => HttpResponse.json({})), "platform/unavailable"],
  ])("because the answer %s, nothing is called without", async (_, answer, expected) => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const limit = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(50));
    const asked: string[] = [];
    world.answer = ({ url }) => {
      asked.push(url);
      return answer();
    };
    expect(await failure(find())).toEqual(code(expected));
    expect(asked).toEqual([OAUTH]);
    expect(limit.mock.calls).toEqual([[10_000], [10_000]]);
  });

  test("in time, a call waits no longer, and another with more time has it none the less", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const patience = [60_000, 60_000, 30];
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(patience.shift() ?? 60_000));
    let granted = false;
    world.answer = async (request) => {
      if (isGrant(request)) {
        await delay(300);
        granted = true;
      }
      return shop.handle(request);
    };
    const patient = find();
    await vi.waitFor(() => expect(patience).toHaveLength(1));
    expect(await failure(find())).toEqual(code("platform/unavailable", { retry: true }));
    expect(granted).toBe(false);
    expect(await patient).toBeDefined();
    expect(story()).toEqual(["grant", 1]);
  });

  test.each([301, 302, 307, 308])("but redirects with %i, the secret does not go along", async (status) => {
    const location = "https://attacker.example/admin/oauth/access_token";
    world.answer = () => new HttpResponse(null, { status, headers: { location } });
    expect(await failure(find())).toEqual(code("platform/refused", { retry: false }));
  });

  test("because the shop is another's or no shop, it is not even asked", async () => {
    for (const elsewhere of ["other.myshopify.com", "attacker.example"]) {
      const opened = open(shop, { credentials: { shop: elsewhere } });
      expect(await failure(opened)).toEqual(code("platform/no-credentials", { retry: false }));
    }
    expect(shop.requests).toEqual([]);
  });
});

describe("a lasting token", () => {
  test("is used as it is, and not asked for again when it is refused", async () => {
    shop = simulateShopify({ accessToken: "shpat_t0ken" });
    world.platforms = [shop];
    await find();
    const wrong = await open(shop, { credentials: { accessToken: "shpat_t0ken-wrong" } });
    expect(await failure(wrong.find(person(id)))).toEqual(code("platform/unauthorised", { retry: false }));
    expect(story()).toEqual([1, 2]);
  });
});

test("credentials that were stored without what a call needs are for a person to mend", async () => {
  for (const lacking of ["clientId", "clientSecret"])
    expect(await failure(open(shop, { credentials: { [lacking]: undefined } }))).toEqual(
      code("platform/no-credentials", { message: expect.stringContaining(`"${lacking}"`) }),
    );
});
